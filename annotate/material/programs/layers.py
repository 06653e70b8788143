"""JSON in a field of an image's metadata, opened: programs put many fields into one.

Whichever field holds it (`parameters`, EXIF's UserComment, XMP, the lowest bits of the alpha), the
entries of such an object are read as fields of their own, and so is an object within it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from annotate.material.programs.reader import LONGEST_JSON, Fields, json_object

PLACES = (
    "parameters", "exif:usercomment", "xmp:usercomment", "alpha:pnginfo", "comment", "jpeg:comment",
    "exif:xpcomment", "exif:imagedescription", "description", "xmp:description", "exif:model",
    "exif:make", "usercomment", "metadata",
)  # fmt: skip
"""Fields that hold whatever a program puts there."""
DEEPEST = 2
MOST = 12
LIKE_JSON = re.compile(r"[\s\x00\ufeff]*(?:\{\s*[\"}]|\[\s*[\[{\"])")


def looks_json(text: str) -> bool:
    """Whether a text begins as JSON does; a prompt may begin with a bracket too."""
    return LIKE_JSON.match(text) is not None


def layers(fields: Fields) -> list[Fields]:
    """Return an image's fields, then those within each of its JSON objects."""
    found: list[Fields] = [fields]
    depths, opened = [0], set()
    for place in range(MOST):
        if place >= len(found):
            break
        for text in _texts(found[place]) if depths[place] < DEEPEST else ():
            value = {} if text in opened else json_object(text)
            opened.add(text)
            if value:
                found.append(entries(value, text))
                depths.append(depths[place] + 1)
    return found


def entries(value: Mapping[str, Any], text: str) -> dict[str, str]:
    """Return the entries of an object as fields; a graph stands under the name of its form."""
    graph = _form(value)
    fields = {graph: text} if graph else {}
    for key, entry in value.items():
        if isinstance(entry, str):
            fields.setdefault(key.lower(), entry[:LONGEST_JSON])
        elif not graph and entry is not None:
            fields.setdefault(key.lower(), json.dumps(entry, ensure_ascii=False)[:LONGEST_JSON])
    return fields


def _texts(fields: Fields) -> Iterator[str]:
    texts = (fields[name] for name in PLACES if name in fields)
    return (text for text in texts if looks_json(text))


def _form(value: Mapping[str, Any]) -> str:
    """The form of a ComfyUI graph: as it was sent, or as it is drawn; empty for other objects."""
    if any(isinstance(node, dict) and "class_type" in node for node in value.values()):
        return "prompt"
    return "workflow" if isinstance(value.get("nodes"), list) and "links" in value else ""
