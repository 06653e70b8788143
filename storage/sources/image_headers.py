"""Image headers: the format and the size of an image from its bytes, without decoding them.

Only what a trainer reads is an image here: PNG, JPEG and WebP that are whole and of a size that can
be decoded. A header is a few bytes, so a million images are checked while they are read.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_PIXELS = 64_000_000
"""Decoding a larger image would take gigabytes."""
MIN_SIDE = 16
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
END_BYTES = 65_536
"""How much may follow the end of an image: cameras and editors append to JPEG files."""
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG's frame header, which holds its size; the other three are tables."""
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length."""
APP1, EXIF = 0xE1, b"Exif\0\0"
ORIENTATION = 0x0112
ON_ITS_SIDE = range(5, 9)
MAX_FIELDS = 1_000

NO_IMAGE = "an image is no PNG, JPEG or WebP"
CUT_OFF = "an image is cut off"
TOO_LARGE = "an image has more than 64 million pixels"
TOO_SMALL = "an image is smaller than 16 pixels"


class ImageHeader(NamedTuple):
    """Format and size of an image as it is shown: EXIF may swap the sides of a photo."""

    suffix: str
    width: int
    height: int


class NotAnImage(ValueError):
    """Bytes that no trainer could read; the message is the reason."""


def read_image_header(content: bytes) -> ImageHeader:
    """Return the format and size of an image; raises NotAnImage."""
    if content.startswith(PNG_START):
        header = png_header(content)
    elif content.startswith(JPEG_START):
        header = jpeg_header(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        header = webp_header(content)
    else:
        raise NotAnImage(NO_IMAGE)

    if min(header.width, header.height) < MIN_SIDE:
        raise NotAnImage(TOO_SMALL)
    if header.width * header.height > MAX_PIXELS:
        raise NotAnImage(TOO_LARGE)
    return header


def png_header(content: bytes) -> ImageHeader:
    """Read the IHDR chunk, which comes first."""
    if content[12:16] != b"IHDR":
        raise NotAnImage(NO_IMAGE)
    if PNG_END not in content[-END_BYTES:]:
        raise NotAnImage(CUT_OFF)
    return ImageHeader(".png", int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))


def jpeg_header(content: bytes) -> ImageHeader:
    """Walk over the segments to the frame header."""
    if JPEG_END not in content[-END_BYTES:]:
        raise NotAnImage(CUT_OFF)

    place, orientation = 2, 1
    while place + 9 <= len(content):
        if content[place] != 0xFF:
            raise NotAnImage(NO_IMAGE)
        marker = content[place + 1]
        if marker == 0xFF:
            # Any number of these bytes may come before a marker.
            place += 1
        elif marker in FRAMES:
            height = int.from_bytes(content[place + 5 : place + 7])
            width = int.from_bytes(content[place + 7 : place + 9])
            if orientation in ON_ITS_SIDE:
                width, height = height, width
            return ImageHeader(".jpg", width, height)
        elif marker in ALONE:
            place += 2
        else:
            end = place + 2 + max(2, int.from_bytes(content[place + 2 : place + 4]))
            if marker == APP1 and content[place + 4 : place + 10] == EXIF:
                orientation = orientation_in(content[place + 10 : end])
            place = end
    raise NotAnImage(CUT_OFF)


def orientation_in(exif: bytes) -> int:
    """Return how EXIF says that a camera was held; 1, upright, where it does not say."""
    little = exif.startswith(b"II")

    def number(start: int, count: int) -> int:
        return int.from_bytes(exif[start : start + count], "little" if little else "big")

    first = number(4, 4)
    for field in range(min(number(first, 2), MAX_FIELDS)):
        place = first + 2 + 12 * field
        if number(place, 2) == ORIENTATION:
            return number(place + 8, 2)
    return 1


def webp_header(content: bytes) -> ImageHeader:
    """Read the first chunk, whose kind says where the size is."""
    if len(content) < 30 or int.from_bytes(content[4:8], "little") > len(content) - 8:
        raise NotAnImage(CUT_OFF)

    kind = content[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(content[24:27], "little")
        height = 1 + int.from_bytes(content[27:30], "little")
    elif kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width = int.from_bytes(content[26:28], "little") & 0x3FFF
        height = int.from_bytes(content[28:30], "little") & 0x3FFF
    else:
        raise NotAnImage(NO_IMAGE)
    return ImageHeader(".webp", width, height)
