"""Text hidden in the lowest bits of a PNG's pixels, column by column, as NovelAI and others do.

A signature, the length in bits, the text. Nearly no image has one: the first pixels of the first
column say so, for which a few rows are decompressed.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from annotate.image_import.containers.encodings import text_of
from annotate.image_import.containers.metadata_parts import HIDDEN_BROKEN, MetadataParts
from annotate.image_import.containers.png import inflated
from annotate.image_import.header_checks import png_chunks
from annotate.image_import.programs.reader import MAX_JSON_LENGTH

FIELD = "alpha:pnginfo"
ALPHA = (b"stealth_pnginfo", b"stealth_pngcomp")
COLOURS = (b"stealth_rgbinfo", b"stealth_rgbcomp")
Place = tuple[tuple[bytes, ...], slice]
"""Signatures, and the channels that they stand in."""
PLACES: tuple[Place, ...] = ((ALPHA, slice(3, 4)), (COLOURS, slice(0, 3)))
COMPRESSED = b"comp"
GZIP = zlib.MAX_WBITS + 16
LENGTH = 4
"""Bytes that say how many bits the text has."""
MAX_PIXELS = 8_000_000
"""Of an image that is searched; NovelAI draws three million at the most."""
CHANNELS = {2: 3, 6: 4}
"""Of a pixel, by the type of colours that a PNG's head says."""
EIGHT_BITS, NOT_INTERLACED = 8, 0
HEAD = 33
"""Bytes before the first chunk after a PNG's head."""
PIECE, LONGEST_PIECE = 512, 16_384
"""Bytes that are decompressed at once, before and after."""
UP, AVERAGE, PAETH = 2, 3, 4
"""How a row says its first pixel by the one above; other ways leave it as it is."""


def add_hidden(parts: MetadataParts, image: Image.Image, content: bytes) -> None:
    """Add the text that a PNG's pixels hide."""
    if _says_so_openly(parts) or len(content) < HEAD:
        return
    channels = CHANNELS.get(content[25], 0) if content[24] == EIGHT_BITS else 0
    if not channels or content[28] != NOT_INTERLACED or _pixels_of(image) > MAX_PIXELS:
        return
    for signatures, used in _possible(content, image.size, channels):
        _add(parts, image, used, signatures)


def _says_so_openly(parts: MetadataParts) -> bool:
    """Whether the programs that hide a text wrote it for everybody to see as well."""
    comment = parts.texts.get("comment", "")
    return "parameters" in parts.texts or comment.lstrip().startswith("{")


def _pixels_of(image: Image.Image) -> int:
    return image.width * image.height


def _add(
    parts: MetadataParts, image: Image.Image, used: slice, signatures: tuple[bytes, ...]
) -> None:
    try:
        pixels = np.asarray(image)[:, :, used]
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
    if length > min(pixels.size - 8 * start, 8 * MAX_JSON_LENGTH):
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


def _possible(content: bytes, size: tuple[int, int], channels: int) -> list[Place]:
    """Return the places that may hold a text, by the lowest bits of the first column."""
    places = [place for place in PLACES if channels >= place[1].stop]
    last = min(size[1], 8 * len(ALPHA[0]))
    for number, pixel in enumerate(_first_column(content, size, channels), 1):
        places = [place for place in places if _agrees(place, number - 1, pixel)]
        if not places or number == last:
            return places
    return []


def _agrees(place: Place, number: int, pixel: bytes) -> bool:
    """Whether a pixel of the first column may belong to a signature."""
    signatures, used = place
    values = pixel[used]
    for bit, value in enumerate(values, number * len(values)):
        if bit >= 8 * len(signatures[0]):
            break
        if all((one[bit // 8] >> (7 - bit % 8) & 1) != value & 1 for one in signatures):
            return False
    return True


def _first_column(content: bytes, size: tuple[int, int], channels: int) -> Iterator[bytes]:
    """Return the first pixel of each row, from the top, decompressing no more than is asked for.

    To its left there is nothing, so that the pixel above is all that it depends on.
    """
    width, height = size
    above, row, rows = bytes(channels), 1 + width * channels, bytearray()
    pieces = _pixels(content)
    for _ in range(height):
        if not _fill(rows, pieces, 1 + channels):
            return
        above = bytes(_unfiltered(rows[0], rows[1 : 1 + channels], above))
        yield above
        if not _fill(rows, pieces, row):
            return
        del rows[:row]


def _fill(rows: bytearray, pieces: Iterator[bytes], size: int) -> bool:
    """Decompress until there are so many bytes; false where there are no more."""
    while len(rows) < size:
        piece = next(pieces, None)
        if piece is None:
            return False
        rows += piece
    return True


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
        end = at + 8 + int.from_bytes(content[at : at + 4])
        # Fed by the piece too, for what is left over is copied each time.
        for start in range(at + 8, min(end, len(content)), PIECE):
            waiting = content[start : min(start + PIECE, end)]
            while waiting:
                try:
                    yield stream.decompress(waiting, LONGEST_PIECE)
                except zlib.error:
                    return
                waiting = stream.unconsumed_tail
