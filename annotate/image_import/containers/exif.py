"""Texts of EXIF, whatever their tags promise.

Not Pillow's: it takes every text for Latin-1, looks for the comment in one directory alone, and
gives nothing at all where one entry is broken.
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
TELLING = frozenset({"imagedescription", "usercomment", "xpcomment", "xptitle", "xpsubject"})
"""Where a prompt may stand; what is broken elsewhere is a camera's."""
COMMENT, WINDOWS = 0x9286, range(0x9C9B, 0x9CA0)
LETTERS = (1, 2, 6, 7, 129)
"""Types of a byte each: numbers, ASCII, signed, undefined, UTF-8."""
SPARE = 2
PACKET = 0x02BC
"""XMP within EXIF, as TIFF has it."""
GRAPHS = ("prompt", "workflow")
MAX_TEXTS, MAX_SEVERAL = 200, 2


def add_exif(parts: MetadataParts) -> None:
    """Add the texts of a file's EXIF; a graph that a text begins with the name of, by that name."""
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
        if tag == PACKET:
            parts.xmp = parts.xmp or raw or b""
            continue
        if raw is not None and not parts.take(len(raw)):
            break
        name = NAMES.get(tag, "")
        text = _decoded(tag, raw) if raw is not None else None
        if text is None and name in TELLING:
            parts.unreadable = EXIF_BROKEN if raw is None else ENCODING_UNKNOWN
        if text and text.strip():
            _add_graph(parts.texts, text)
            if name:
                parts.texts.setdefault(f"exif:{name}", text)


def _add_graph(texts: dict[str, str], text: str) -> None:
    name, _, rest = text.partition(":")
    if name.strip().lower() in GRAPHS and rest.lstrip().startswith("{"):
        texts.setdefault(name.strip().lower(), rest)


def _decoded(tag: int, raw: bytes) -> str | None:
    if tag == COMMENT:
        return comment_of(raw)
    return text_of(raw, b"UNICODE" if tag in WINDOWS else b"")


def _texts(data: bytes, order: str) -> Iterator[tuple[int, bytes | None]]:
    """Return the bytes of every entry that may be text; None for one that points outside."""
    offsets = [struct.unpack(order + "I", data[4:8])[0]]
    for at in offsets:
        for tag, kind, count, value in entries(data, at, order):
            if tag == EXIF_IFD_TAG and len(offsets) == 1:
                offsets.append(value)
            if kind in LETTERS and count:
                yield tag, _bytes_of(data, count, value, order)


def _bytes_of(data: bytes, count: int, value: int, order: str) -> bytes | None:
    if count <= 4:
        return struct.pack(order + "I", value)[:count]
    # Some programs count one or two NULs at the end that they do not write.
    return data[value : value + count] if value + count <= len(data) + SPARE else None
