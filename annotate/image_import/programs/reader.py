"""Interface of the readers: the fields that they are given and the prompt that they return."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storage.safe_files import SkippedFile

MAX_TEXT_LENGTH = 20_000
"""Characters of a text that are looked at; a prompt may have 2,000."""
MAX_JSON_LENGTH = 4_000_000
"""Characters of a graph; Python parses JSON with all other threads waiting."""

Fields = Mapping[str, str]
"""Every text in an image file's metadata by its field: keywords of a PNG in lower case
(`parameters`, `prompt`), else `exif:usercomment`, `exif:imagedescription`, `xmp:description`,
`iptc:caption`, `jpeg:comment`, `alpha:pnginfo` and the like."""
UNREADABLE = "unreadable"
"""Name of the field that says why some of the metadata cannot be read."""


@dataclass(frozen=True, slots=True)
class FoundPrompt:
    """Positive prompt of an image, and its source."""

    text: str
    """The prompt without weights, LoRA tags and scheduling."""
    written: str
    """The prompt as it is written in the file."""
    source: str
    """Program that wrote it, as the summary of an import names it."""


class NoPrompt(SkippedFile):
    """Raised for a program's metadata in which no prompt can be found; the text says why."""


Reader = Callable[[Fields], FoundPrompt | None]
"""Function that returns the prompt of one program, or None if it wrote nothing; raises NoPrompt."""


def plain(text: Any, source: str) -> FoundPrompt | None:
    """Return a prompt without marks; None for what is no text, or an empty one."""
    written = text[:MAX_TEXT_LENGTH].strip() if isinstance(text, str) else ""
    return FoundPrompt(written, written, source) if written else None


def json_object(text: str) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else, and for what is too long."""
    if len(text) > MAX_JSON_LENGTH:
        return {}
    try:
        value = json.loads(text.strip("\x00 \n"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
