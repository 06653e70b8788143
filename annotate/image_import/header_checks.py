"""Checks of an image file's header before a decoder trusts it.

Decoders trust the sizes, counts and offsets in a file. A few kilobytes can make them fill gigabytes
(EXIF entries that share their data) or work for hours (a progressive JPEG with thousands of scans).
"""

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import islice

from annotate.png_chunks import PNG_SIGNATURE, png_chunks
from storage.safe_files import SkippedFile

MAX_SCANS = 100
"""Scans of a progressive JPEG; encoders make about ten."""
MAX_PARTS = 100_000
"""Chunks of a PNG or a WebP, segments of a JPEG."""
MAX_EXIF = 64
"""Segments of EXIF in a JPEG, of 64 kB each: Pillow copies what it has for each of them."""
SEARCH_WINDOW_BYTES = 1 << 20
MAX_NUMBERS = 10_000
"""Numbers in one EXIF entry: Pillow makes an object of each."""
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Marker of a JPEG segment, as opposed to those that occur within compressed data."""
EXIF_TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
}
"""Bytes per value, by type of an EXIF entry."""
EXIF_TEXT_TYPES = (1, 2, 6, 7)
EXIF = b"Exif\0\0"
EXIF_IFD_TAG = 0x8769
FRAME_MARKERS = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""JPEG markers (SOF0 to SOF15) whose segments hold width and height."""


def check_head(content: bytes, most_pixels: int) -> None:
    """Raise SkippedFile for a file that would cost a decoder too much memory or time."""
    width = height = 0
    if content.startswith(PNG_SIGNATURE):
        check_count(png_chunks(content))
        width, height = struct.unpack(">II", content[16:24].ljust(8, b"\0"))
    elif content.startswith(b"\xff\xd8"):
        width, height = check_jpeg(content)
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        check_count(webp_chunks(content))
        width, height = webp_size(content)

    if width * height > most_pixels:
        raise SkippedFile("too large")


def check_count(parts: Iterable[object]) -> None:
    """Raise SkippedFile for a file of too many chunks."""
    if sum(1 for _ in islice(parts, MAX_PARTS + 1)) > MAX_PARTS:
        raise SkippedFile("in too many pieces")


def webp_chunks(content: bytes) -> Iterator[int]:
    """Yield the offset of each chunk of a WebP."""
    at = 12
    while at + 8 <= len(content):
        yield at
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def check_jpeg(content: bytes) -> tuple[int, int]:
    """Return a JPEG's width and height.

    Raises SkippedFile for too many scans, and for EXIF that would fill the memory.
    """
    scans = parts = width = height = 0
    exif: list[bytes] = []
    for kind, segment in segments(content):
        parts += 1
        scans += kind == 0xDA
        if scans > MAX_SCANS or parts > MAX_PARTS:
            raise SkippedFile("in too many pieces")
        if kind in FRAME_MARKERS and len(segment) >= 5:
            height, width = struct.unpack(">HH", segment[1:5])
        elif kind == 0xE1 and segment.startswith(EXIF):
            exif.append(segment[len(EXIF) :])
            if len(exif) > MAX_EXIF:
                raise SkippedFile("its EXIF claims more than it holds")
        elif kind == 0xE2 and segment.startswith(b"MPF\0"):
            check_exif(segment[4:])

    check_exif(b"".join(exif))
    return width, height


def segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments of a JPEG, each with its marker, without the compressed data."""
    at = 2
    while (start := after_marker(content, at)) is not None:
        kind = content[start - 1]
        if kind == 0xD9:
            return
        if kind in (0x01, 0xD8):
            at = start
            continue
        at = start + max(2, int.from_bytes(content[start : start + 2]))
        yield kind, content[start + 2 : at]


def after_marker(content: bytes, at: int) -> int | None:
    """Return the offset after the next marker of a JPEG; None if there is no other.

    Searched in windows, since a search holds the interpreter's lock until it ends.
    """
    while at < len(content):
        marker = MARKER.search(content, at, at + SEARCH_WINDOW_BYTES)
        if marker is not None:
            return marker.end()
        at += SEARCH_WINDOW_BYTES - 1
    return None


def webp_size(content: bytes) -> tuple[int, int]:
    """Return the width and height in a WebP's first chunk; 0, 0 for an unknown chunk."""
    kind, head = content[12:16], content[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def check_exif(data: bytes) -> None:
    """Raise SkippedFile for EXIF whose entries share their bytes to claim more than there are.

    Entries that point outside of the data are broken but harmless, since nobody reads them.
    """
    data = data.removeprefix(EXIF)
    if data.startswith(EXIF):
        # Pillow removes one prefix after the other, and copies the data each time.
        raise SkippedFile("its EXIF claims more than it holds")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return

    # Twice the data, for entries that share some of it in good faith.
    budget = 2 * len(data)
    offsets = [struct.unpack(order + "I", data[4:8])[0]]
    for at in offsets:
        for tag, kind, count, value in entries(data, at, order):
            size = EXIF_TYPE_BYTES.get(kind, 1) * count
            if tag == EXIF_IFD_TAG and len(offsets) == 1:
                offsets.append(value)
            if value + size > len(data):
                continue
            budget -= size
            if budget < 0 or (count > MAX_NUMBERS and kind not in EXIF_TEXT_TYPES):
                raise SkippedFile("its EXIF claims more than it holds")


def entries(data: bytes, at: int, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, type, count and value (or its offset) of the entries of an EXIF directory."""
    if at + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, at)
    for number in range(count):
        offset = at + 2 + 12 * number
        if offset + 12 > len(data):
            return
        yield struct.unpack_from(order + "HHII", data, offset)
