"""Metadata of a JPEG: EXIF and XMP in APP1, Photoshop's resources in APP13, comments."""

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
FULL = 65_000
"""Bytes of a segment from which on its text goes on in the next."""


def parts_of_jpeg(content: bytes) -> MetadataParts:
    """Return the metadata of a JPEG, which stands before its pixels."""
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
    whole = joined(comments)
    comment = text_of(whole) if parts.take(len(whole)) else ""
    if comment:
        parts.texts["jpeg:comment"] = comment
    elif comment is None:
        parts.unreadable = ENCODING_UNKNOWN
    return parts


def add_segment(exif: list[list[bytes]], segment: bytes) -> None:
    """Add a segment to EXIF that takes several, or begin another."""
    if exif and not segment.startswith((b"II*\0", b"MM\0*")):
        exif[-1].append(segment)
    else:
        exif.append([segment])


def joined(comments: list[bytes]) -> bytes:
    """Return comments as one text; a long one was cut into full segments, others are whole."""
    whole, room = bytearray(), MAX_JSON_LENGTH
    for comment in dict.fromkeys(comments):
        room -= len(comment)
        if room < 0:
            break
        whole += comment if len(comment) > FULL else comment + b"\n"
    return bytes(whole)
