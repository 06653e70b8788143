"""Civitai's own generator: a graph with `extraMetadata`, or AUTOMATIC1111's text with resources.

Both stand in EXIF's UserComment. `extraMetadata` is JSON in a text: `prompt`, `negativePrompt`.
"""

from annotate.image_import.programs import a1111
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import (
    LONGEST_TEXT,
    Fields,
    Prompt,
    json_object,
)

PROGRAM = "Civitai"
WITHIN = ("params", "input")
SIGNS = ("Civitai resources:", "Civitai metadata:")


def read(fields: Fields) -> Prompt | None:
    """Return the prompt that was sent to Civitai; its graph is left to the reader of graphs."""
    for name in ("extrametadata", "extra"):
        value = json_object(fields.get(name, ""))
        for told in (value, *(value.get(within) for within in WITHIN)):
            prompt = told.get("prompt") if isinstance(told, dict) else None
            if isinstance(prompt, str) and (words := shown(prompt)):
                return Prompt(words, prompt[:LONGEST_TEXT].strip(), PROGRAM)

    for text in (fields[name] for name in a1111.FIELDS if name in fields):
        parts = None if looks_json(text) else a1111.parts_of(text[:LONGEST_TEXT])
        if parts and any(sign in parts.settings for sign in SIGNS):
            return a1111.prompt_of(parts, PROGRAM)
    return None
