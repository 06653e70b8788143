"""Text hidden in the lowest bits of a PNG's pixels, column by column, as NovelAI and others do.

A signature, the length in bits, the text. Nearly no image has one: the first pixels of the first
column say so, for which a few rows are decompressed.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from annotate.material.containers.encodings import text_of
from annotate.material.containers.parts import HIDDEN_BROKEN, Parts
from annotate.material.containers.png import inflated
from annotate.material.heads import png_chunks
from annotate.material.programs.reader import LONGEST_JSON

FIELD = "alpha:pnginfo"
ALPHA = (b"stealth_pnginfo", b"stealth_pngcomp")
COLOURS = (b"stealth_rgbinfo", b"stealth_rgbcomp")
COMPRESSED = b"comp"
GZIP = zlib.MAX_WBITS + 16
LENGTH = 4
"""Bytes that say how many bits the text has."""
MOST_PIXELS = 8_000_000
"""Of an image that is searched; NovelAI draws three million at the most."""
CHANNELS = {2: 3, 6: 4}
"""Of a pixel, by the type of colours that a PNG's head says."""
EIGHT_BITS, NOT_INTERLACED = 8, 0
HEAD = 33
"""Bytes before the first chunk after a PNG's head."""
PIECE = 16_384
UP, AVERAGE, PAETH = 2, 3, 4
"""How a row says its first pixel by the one above; other ways leave it as it is."""


def add_hidden(parts: Parts, picture: Image.Image, content: bytes) -> None:
    """Add the text that a PNG's pixels hide."""
    if _says_so_openly(parts) or len(content) < HEAD:
        return
    channels = CHANNELS.get(content[25], 0) if content[24] == EIGHT_BITS else 0
    if not channels or content[28] != NOT_INTERLACED or _pixels_of(picture) > MOST_PIXELS:
        return
    for signatures, used in ((ALPHA, slice(3, 4)), (COLOURS, slice(0, 3))):
        if channels >= used.stop and _begins(content, picture.size, channels, used, signatures):
            _add(parts, picture, used, signatures)


def _says_so_openly(parts: Parts) -> bool:
    """Whether the programs that hide a text wrote it for everybody to see as well."""
    comment = parts.texts.get("comment", "")
    return "parameters" in parts.texts or comment.lstrip().startswith("{")


def _pixels_of(picture: Image.Image) -> int:
    return picture.width * picture.height


def _add(parts: Parts, picture: Image.Image, used: slice, signatures: tuple[bytes, ...]) -> None:
    try:
        pixels = np.asarray(picture)[:, :, used]
    except MemoryError:
        raise
    except Exception:  # Decoders raise all kinds of errors on a damaged file.
        parts.unreadable = HIDDEN_BROKEN
        return

    start = len(signatures[0])
    head = _hidden(pixels, start + LENGTH)
    if head[:start] not in signatures:
        return
    text = _text(pixels, head[:start], int.from_bytes(head[start:]))
    if text:
        parts.texts[FIELD] = text
    else:
        parts.unreadable = HIDDEN_BROKEN


def _text(pixels: "np.ndarray[Any, Any]", signature: bytes, length: int) -> str | None:
    """Return the text of so many bits; None for one that cannot be read."""
    start = len(signature) + LENGTH
    if length > min(pixels.size - 8 * start, 8 * LONGEST_JSON):
        return None
    raw = _hidden(pixels, start + length // 8)[start:]
    try:
        return text_of(inflated(raw, GZIP) if signature.endswith(COMPRESSED) else raw)
    except (zlib.error, ValueError):
        return None


def _hidden(pixels: "np.ndarray[Any, Any]", count: int) -> bytes:
    """Return the first bytes in the lowest bits: column by column, pixel by pixel, by channel."""
    height, _, channels = pixels.shape
    columns = pixels[:, : -(-8 * count // (height * channels))]
    bits = (columns.transpose(1, 0, 2) & 1).ravel()
    return np.packbits(bits[: 8 * count]).tobytes()


def _begins(
    content: bytes, size: tuple[int, int], channels: int, used: slice, signatures: tuple[bytes, ...]
) -> bool:
    """Whether the lowest bits of the first column are those that a signature begins with."""
    wanted = [_bits_of(signature) for signature in signatures]
    place, last = 0, min(8 * len(signatures[0]), size[1] * len(range(*used.indices(channels))))
    for pixel in _first_column(content, size, channels):
        for value in pixel[used]:
            wanted = [bits for bits in wanted if place >= len(bits) or bits[place] == value & 1]
            place += 1
        if not wanted or place >= last:
            return bool(wanted)
    return False


def _bits_of(signature: bytes) -> list[int]:
    return [int(bit) for bit in np.unpackbits(np.frombuffer(signature, np.uint8))]


def _first_column(content: bytes, size: tuple[int, int], channels: int) -> Iterator[bytes]:
    """Return the first pixel of each row, from the top, decompressing no row before it is asked.

    To its left there is nothing, so that the pixel above is all that it depends on.
    """
    width, height = size
    above, row, rows = bytes(channels), 1 + width * channels, bytearray()
    pieces = _pixels(content)
    for _ in range(height):
        while len(rows) < row and (piece := next(pieces, b"")):
            rows += piece
        if len(rows) < 1 + channels:
            return
        above = bytes(_unfiltered(rows[0], rows[1 : 1 + channels], above))
        yield above
        del rows[:row]


def _unfiltered(way: int, pixel: bytes | bytearray, above: bytes) -> Iterator[int]:
    for value, before in zip(pixel, above, strict=True):
        added = before if way in (UP, PAETH) else before // 2 if way == AVERAGE else 0
        yield (value + added) & 0xFF


def _pixels(content: bytes) -> Iterator[bytes]:
    """Return the data of a PNG's pixels, decompressed piece by piece."""
    stream = zlib.decompressobj()
    for at in png_chunks(content):
        if content[at + 4 : at + 8] != b"IDAT":
            continue
        waiting = content[at + 8 : at + 8 + int.from_bytes(content[at : at + 4])]
        while waiting:
            try:
                yield stream.decompress(waiting, PIECE)
            except zlib.error:
                return
            waiting = stream.unconsumed_tail
