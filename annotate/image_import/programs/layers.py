"""Layers of metadata: JSON within a field, which holds fields of its own.

Whichever field holds it (`parameters`, EXIF's UserComment, XMP, a keyword of the program's own),
the entries of such an object are read as fields of their own, and so is an object within it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from annotate.image_import.programs.reader import MAX_JSON_LENGTH, Fields, json_object

CLOSED = frozenset(
    ("prompt", "workflow", "uc", "smproj", "sui_models", "invokeai_graph", "invokeai_workflow",
     "sd-metadata", "sd_metadata")
)  # fmt: skip
"""Fields whose JSON is left to their own readers."""
ASIDE = ("neg", "uncond", "hires", "refiner", "control", "detailer")
"""Parts of the names of fields that do not hold the image's own prompt."""
MAX_DEPTH = 3
MAX_LAYERS = 24
MAX_OF_A_LIST = 4
MAX_ENTRIES = 1_000
LIKE_JSON = re.compile(
    r"[\s\x00\ufeff]*(?:(?:\[\s*)*\{\s*[\"}]|"
    r"(?:\[\s*)+(?:\"|\]|(?:true|false|null|-?\d{1,20}(?:\.\d{1,20})?)\s*[,\]]))"
)


def looks_json(text: str) -> bool:
    """Return whether a text begins like JSON; a prompt may begin with a bracket too."""
    return LIKE_JSON.match(text) is not None


@dataclass(frozen=True, slots=True)
class Layer:
    """Fields, and the indexes of the layers around them, except the image's own."""

    fields: Fields
    around: frozenset[int]


def layers(fields: Fields) -> list[Layer]:
    """Return the layers of an image: its own fields, then those of each JSON object."""
    found, opened = [Layer(fields, frozenset())], set()
    for index in range(MAX_LAYERS):
        if index >= len(found):
            break
        around = found[index].around | ({index} if index else set())
        for text in _texts(found[index].fields) if len(around) < MAX_DEPTH else ():
            values = [] if text in opened else _objects(text)
            opened.add(text)
            found += [Layer(entries(value, text), around) for value in values]
    return found[:MAX_LAYERS]


def entries(value: Mapping[str, Any], text: str) -> dict[str, str]:
    """Return the entries of an object as fields; a ComfyUI graph is named after its form."""
    graph = _form(value)
    fields = {graph: text} if graph else {}
    for key, entry in islice(value.items(), MAX_ENTRIES):
        if isinstance(entry, str):
            fields.setdefault(key.lower(), entry[:MAX_JSON_LENGTH])
        elif entry is not None and (not graph or key.startswith("extra")):
            fields.setdefault(key.lower(), json.dumps(entry, ensure_ascii=False)[:MAX_JSON_LENGTH])
    return fields


def _texts(fields: Fields) -> Iterator[str]:
    for name, text in fields.items():
        aside = name in CLOSED or any(word in name for word in ASIDE)
        if not aside and looks_json(text):
            yield text


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the JSON object in a text, or the first objects of a list."""
    value = json_object(f'{{"all": {text}}}' if text.lstrip().startswith("[") else text)
    listed = value.get("all") if text.lstrip().startswith("[") else [value]
    objects = listed[:MAX_OF_A_LIST] if isinstance(listed, list) else []
    return [entry for entry in objects if isinstance(entry, dict) and entry]


def _form(value: Mapping[str, Any]) -> str:
    """Return the form of a ComfyUI graph, "prompt" or "workflow"; empty for other objects."""
    nodes = (node for node in value.values() if isinstance(node, dict))
    if any("class_type" in node and isinstance(node.get("inputs"), dict) for node in nodes):
        return "prompt"
    return "workflow" if isinstance(value.get("nodes"), list) and "links" in value else ""
