"""What an image file's head promises, checked before a decoder believes it.

A decoder trusts sizes, counts and offsets in the file. A few kilobytes can make it fill gigabytes
(EXIF entries that share their data) or work for hours (a progressive JPEG with thousands of scans).
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice

from annotate.safe_files import SkippedFile

MOST_SCANS = 100
"""Of a progressive JPEG; encoders make about ten."""
MOST_PARTS = 100_000
"""Chunks of a PNG or a WebP, segments of a JPEG."""
MOST_EXIF = 64
"""Segments of EXIF in a JPEG, of 64 kB each: Pillow copies what it has for each of them."""
WINDOW = 1 << 20
MOST_NUMBERS = 10_000
"""Of one EXIF entry: each becomes an object."""
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A JPEG's marker that is not one of those that stand within its data."""
PNG = b"\x89PNG\r\n\x1a\n"
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of a value of each type of EXIF."""
TEXTS = (1, 2, 6, 7)
EXIF = b"Exif\0\0"
EXIF_DETAILS = 0x8769
FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""The JPEG markers that give width and height."""


def check_head(content: bytes, most_pixels: int) -> None:
    """Raise SkippedFile for a file that would cost a decoder more than an image is worth."""
    width = height = 0
    if content.startswith(PNG):
        check_count(png_chunks(content))
        width, height = struct.unpack(">II", content[16:24].ljust(8, b"\0"))
    elif content.startswith(b"\xff\xd8"):
        width, height = check_jpeg(content)
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        check_count(webp_chunks(content))
        width, height = webp_size(content)
    if width * height > most_pixels:
        raise SkippedFile("too large")


def check_count(parts: Iterator[int]) -> None:
    """Raise SkippedFile for a file in too many pieces."""
    if sum(1 for _ in islice(parts, MOST_PARTS + 1)) > MOST_PARTS:
        raise SkippedFile("in too many pieces")


def png_chunks(content: bytes) -> Iterator[int]:
    """Return where each chunk of a PNG begins."""
    at = len(PNG)
    while at + 8 <= len(content):
        yield at
        at += 12 + int.from_bytes(content[at : at + 4])


def webp_chunks(content: bytes) -> Iterator[int]:
    """Return where each chunk of a WebP begins."""
    at = 12
    while at + 8 <= len(content):
        yield at
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def check_jpeg(content: bytes) -> tuple[int, int]:
    """Return a JPEG's width and height.

    Raises SkippedFile for too many scans and for EXIF that lies.
    """
    scans = parts = width = height = 0
    exif: list[bytes] = []
    for kind, segment in segments(content):
        parts += 1
        scans += kind == 0xDA
        if scans > MOST_SCANS or parts > MOST_PARTS:
            raise SkippedFile("in too many pieces")
        if kind in FRAMES and len(segment) >= 5:
            height, width = struct.unpack(">HH", segment[1:5])
        elif kind == 0xE1 and segment.startswith(EXIF):
            exif.append(segment[len(EXIF) :])
            if len(exif) > MOST_EXIF:
                raise SkippedFile("its EXIF claims more than it holds")
        elif kind == 0xE2 and segment.startswith(b"MPF\0"):
            check_exif(segment[4:])
    check_exif(b"".join(exif))
    return width, height


def segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the segments of a JPEG up to its end, each with its marker, without the data."""
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
    """Return where the next marker of a JPEG ends; None without another.

    A search holds the interpreter's lock, so that it is done piece by piece.
    """
    while at < len(content):
        marker = MARKER.search(content, at, at + WINDOW)
        if marker is not None:
            return marker.end()
        at += WINDOW - 1
    return None


def webp_size(content: bytes) -> tuple[int, int]:
    """Return the width and height that a WebP's first chunk says; nothing for another one."""
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
    """Raise SkippedFile for EXIF whose entries claim more bytes than there are, by sharing them.

    Entries that point outside are broken, not harmful: they are not read.
    """
    data = data.removeprefix(EXIF)
    if data.startswith(EXIF):
        # Pillow takes them off one by one, and copies the rest each time.
        raise SkippedFile("its EXIF claims more than it holds")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return
    room = 2 * len(data)
    offsets = [struct.unpack(order + "I", data[4:8])[0]]
    for at in offsets:
        for tag, kind, count, value in entries(data, at, order):
            size = SIZES.get(kind, 1) * count
            if tag == EXIF_DETAILS and len(offsets) == 1:
                offsets.append(value)
            if value + size > len(data):
                continue
            room -= size
            if room < 0 or (count > MOST_NUMBERS and kind not in TEXTS):
                raise SkippedFile("its EXIF claims more than it holds")


def entries(data: bytes, at: int, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Return tag, type, count and value (or where it lies) of a directory's entries."""
    if at + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, at)
    for number in range(count):
        place = at + 2 + 12 * number
        if place + 12 > len(data):
            return
        yield struct.unpack_from(order + "HHII", data, place)
