"""AUTOMATIC1111 and Forge: a text with the prompt, the negative prompt, then the settings.

In PNG under `parameters`, in JPEG and WebP in EXIF's UserComment.
"""

import re

from annotate.material.programs.graphs import prompt_of_graph
from annotate.material.programs.reader import (
    LONGEST_TEXT,
    Fields,
    Prompt,
    json_object,
    plain,
)

PROGRAM = "AUTOMATIC1111"
FIELDS = ("parameters", "exif:usercomment")
ENDS = re.compile(r"^(negative prompt:|steps: \d)", re.IGNORECASE | re.MULTILINE)
# Every expression here is linear: a search that fails has looked at no character twice. Without
# the < in its class, NETWORKS would look at the rest of the text again from each <lora:.
NETWORKS = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>", re.IGNORECASE)


def read(fields: Fields) -> Prompt | None:
    """Return the prompt in a file's parameters."""
    texts = (fields[name] for name in FIELDS if name in fields)
    return next(filter(None, map(read_text, texts)), None)


def read_text(text: str) -> Prompt | None:
    """Return the prompt of a text: what comes before the negative one and Steps."""
    if text.lstrip().startswith("{"):
        return _of_object(json_object(text))
    text = text[:LONGEST_TEXT]
    end = ENDS.search(text)
    written = (text[: end.start()] if end else text).strip()
    shown = NETWORKS.sub(" ", written).strip()
    return Prompt(shown, written, PROGRAM) if shown else None


def _of_object(value: dict[str, object]) -> Prompt | None:
    """Programs put an object where AUTOMATIC1111 has a text: with the prompt, or with a graph."""
    prompt = value.get("prompt")
    if isinstance(prompt, str) and not prompt.lstrip().startswith("{"):
        return plain(prompt, PROGRAM)
    graph = json_object(prompt) if isinstance(prompt, str) else prompt
    return plain(prompt_of_graph(graph or value), "ComfyUI")
