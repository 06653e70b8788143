"""Metadata of a JPEG: EXIF and XMP in APP1, Photoshop resources in APP13, and comments."""

from itertools import takewhile

from annotate.image_import.containers.encodings import text_of
from annotate.image_import.containers.metadata_parts import (
    ENCODING_UNKNOWN,
    XMP_MARK,
    MetadataParts,
)
from annotate.image_import.header_checks import EXIF, MAX_EXIF, segments
from annotate.image_import.programs.reader import MAX_JSON_LENGTH

APP1, APP13, COMMENT, SCAN = 0xE1, 0xED, 0xFE, 0xDA
PHOTOSHOP = b"Photoshop 3.0\0"
MAX_SEVERAL = 2
FULL_SEGMENT_BYTES = 65_000
"""A comment of at least this size continues in the next segment."""


def parts_of_jpeg(content: bytes) -> MetadataParts:
    """Return the metadata of a JPEG, all of which precedes its pixels."""
    parts = MetadataParts()
    exif: list[list[bytes]] = []
    resources, comments = [], []
    for kind, segment in takewhile(lambda part: part[0] != SCAN, segments(content)):
        if kind == APP1 and segment.startswith(EXIF):
            add_segment(exif, segment[len(EXIF) :])
        elif kind == APP1 and segment.startswith(XMP_MARK):
            parts.xmp = parts.xmp or segment[len(XMP_MARK) :]
        elif kind == APP13 and segment.startswith(PHOTOSHOP):
            resources.append(segment[len(PHOTOSHOP) :])
        elif kind == COMMENT:
            comments.append(segment)

    parts.exif = [b"".join(pieces[:MAX_EXIF]) for pieces in exif[:MAX_SEVERAL]]
    parts.iptc = b"".join(resources[:MAX_EXIF])
    raw = joined(comments)
    comment = text_of(raw) if parts.take(len(raw)) else ""
    if comment:
        parts.texts["jpeg:comment"] = comment
    elif comment is None:
        parts.unreadable = ENCODING_UNKNOWN
    return parts


def add_segment(exif: list[list[bytes]], segment: bytes) -> None:
    """Append a segment to the last block of EXIF, or begin a new block at a TIFF header."""
    if exif and not segment.startswith((b"II*\0", b"MM\0*")):
        exif[-1].append(segment)
    else:
        exif.append([segment])


def joined(comments: list[bytes]) -> bytes:
    """Join comments: full segments continue in the next one, others end with a line break."""
    text, budget = bytearray(), MAX_JSON_LENGTH
    for comment in dict.fromkeys(comments):
        budget -= len(comment)
        if budget < 0:
            break
        text += comment if len(comment) > FULL_SEGMENT_BYTES else comment + b"\n"
    return bytes(text)
