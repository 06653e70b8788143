"""Texts of EXIF, with their encoding detected rather than taken from the tags.

Not read by Pillow, which decodes every text as Latin-1, looks for the comment in one directory
alone, and returns nothing at all if one entry is broken.
"""

import struct
from collections.abc import Iterator

from annotate.image_import.containers.encodings import comment_of, text_of
from annotate.image_import.containers.metadata_parts import (
    ENCODING_UNKNOWN,
    EXIF_BROKEN,
    TEXTS_LONG,
    MetadataParts,
)
from annotate.image_import.header_checks import EXIF, EXIF_IFD_TAG, entries

NAMES = {
    0x010D: "documentname", 0x010E: "imagedescription", 0x010F: "make", 0x0110: "model",
    0x0131: "software", 0x013B: "artist", 0x013C: "hostcomputer", 0x8298: "copyright",
    0x9286: "usercomment", 0x927C: "makernote", 0x9C9B: "xptitle", 0x9C9C: "xpcomment",
    0x9C9D: "xpauthor", 0x9C9E: "xpkeywords", 0x9C9F: "xpsubject",
}  # fmt: skip
PROMPT_FIELDS = frozenset({"imagedescription", "usercomment", "xpcomment", "xptitle", "xpsubject"})
"""Fields that may hold a prompt; broken texts in others are a camera's and are ignored."""
COMMENT, WINDOWS = 0x9286, range(0x9C9B, 0x9CA0)
BYTE_TYPES = (1, 2, 6, 7, 129)
"""Types of one byte per value: numbers, ASCII, signed, undefined, UTF-8."""
MISSING_NULS = 2
"""NULs that some programs count at the end of a text and do not write."""
XMP_TAG = 0x02BC
"""XMP within EXIF, as in TIFF."""
GRAPHS = ("prompt", "workflow")
MAX_TEXTS, MAX_SEVERAL = 200, 2


def add_exif(parts: MetadataParts) -> None:
    """Decode the texts of a file's EXIF; a ComfyUI graph goes under its own name."""
    for exif in parts.exif[:MAX_SEVERAL]:
        _add(parts, exif.removeprefix(EXIF))


def _add(parts: MetadataParts, data: bytes) -> None:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        parts.unreadable = EXIF_BROKEN if data.strip(b"\0") else parts.unreadable
        return

    for number, (tag, raw) in enumerate(_texts(data, order)):
        if number >= MAX_TEXTS:
            parts.unreadable = TEXTS_LONG
            break
        if tag == XMP_TAG:
            parts.xmp = parts.xmp or raw or b""
            continue
        if raw is not None and not parts.take(len(raw)):
            break

        name = NAMES.get(tag, "")
        text = _decoded(tag, raw) if raw is not None else None
        if text is None and name in PROMPT_FIELDS:
            parts.unreadable = EXIF_BROKEN if raw is None else ENCODING_UNKNOWN
        if text and text.strip():
            _add_graph(parts.texts, text)
            if name:
                parts.texts.setdefault(f"exif:{name}", text)


def _add_graph(texts: dict[str, str], text: str) -> None:
    """Add a graph that a text holds after its name, such as `workflow: {...}`."""
    name, _, graph = text.partition(":")
    if name.strip().lower() in GRAPHS and graph.lstrip().startswith("{"):
        texts.setdefault(name.strip().lower(), graph)


def _decoded(tag: int, raw: bytes) -> str | None:
    if tag == COMMENT:
        return comment_of(raw)
    return text_of(raw, b"UNICODE" if tag in WINDOWS else b"")


def _texts(data: bytes, order: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield tag and bytes of every entry that may be text; None for one that points outside."""
    offsets = [struct.unpack(order + "I", data[4:8])[0]]
    for at in offsets:
        for tag, kind, count, value in entries(data, at, order):
            if tag == EXIF_IFD_TAG and len(offsets) == 1:
                offsets.append(value)
            if kind in BYTE_TYPES and count:
                yield tag, _bytes_of(data, count, value, order)


def _bytes_of(data: bytes, count: int, value: int, order: str) -> bytes | None:
    if count <= 4:
        return struct.pack(order + "I", value)[:count]
    return data[value : value + count] if value + count <= len(data) + MISSING_NULS else None
