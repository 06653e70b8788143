"""Civitai's own generator: a graph with `extraMetadata`, or AUTOMATIC1111's text with resources.

Both stand in EXIF's UserComment. `extraMetadata` is JSON in a text: `prompt`, `negativePrompt`.
"""

from annotate.image_import.programs import a1111
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import (
    MAX_TEXT_LENGTH,
    Fields,
    FoundPrompt,
    json_object,
)

PROGRAM = "Civitai"
WITHIN = ("params", "input")
SIGNS = ("Civitai resources:", "Civitai metadata:")


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt that was sent to Civitai; its graph is left to the reader of graphs."""
    for name in ("extrametadata", "extra"):
        value = json_object(fields.get(name, ""))
        for layer in (value, *(value.get(within) for within in WITHIN)):
            prompt = layer.get("prompt") if isinstance(layer, dict) else None
            if isinstance(prompt, str) and (words := shown(prompt)):
                return FoundPrompt(words, prompt[:MAX_TEXT_LENGTH].strip(), PROGRAM)

    for text in (fields[name] for name in a1111.FIELDS if name in fields):
        parts = None if looks_json(text) else a1111.parts_of(text[:MAX_TEXT_LENGTH])
        if parts and any(sign in parts.settings for sign in SIGNS):
            return a1111.prompt_of(parts, PROGRAM)
    return None
