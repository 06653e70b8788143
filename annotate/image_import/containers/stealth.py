"""Stealth PNG info: text in the lowest bits of a PNG's pixels, as NovelAI and others hide it.

Column by column: a signature, the length in bits, the text. Hardly any image has one, and the
first pixels of the first column show it, for which only a few rows are decompressed.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from annotate.image_import.containers.encodings import text_of
from annotate.image_import.containers.metadata_parts import HIDDEN_BROKEN, MetadataParts
from annotate.image_import.containers.png import inflated
from annotate.image_import.programs.reader import MAX_JSON_LENGTH
from annotate.png_chunks import png_chunks

FIELD = "alpha:pnginfo"
ALPHA = (b"stealth_pnginfo", b"stealth_pngcomp")
RGB = (b"stealth_rgbinfo", b"stealth_rgbcomp")
Carrier = tuple[tuple[bytes, ...], slice]
"""Signatures, and the channels whose lowest bits hold them."""
CARRIERS: tuple[Carrier, ...] = ((ALPHA, slice(3, 4)), (RGB, slice(0, 3)))
COMPRESSED = b"comp"
GZIP = zlib.MAX_WBITS + 16
LENGTH_BYTES = 4
"""Bytes of the text's length, which is given in bits."""
MAX_PIXELS = 8_000_000
"""Pixels of an image that is searched; NovelAI renders at most three million."""
CHANNELS = {2: 3, 6: 4}
"""Channels per pixel, by the color type in a PNG's header."""
EIGHT_BITS, NOT_INTERLACED = 8, 0
HEADER_BYTES = 33
"""Bytes of a PNG's signature and IHDR chunk."""
PIECE, LONGEST_PIECE = 512, 16_384
"""Compressed bytes that are fed at once, and the decompressed bytes that may come of them."""
UP, AVERAGE, PAETH = 2, 3, 4
"""Row filters that predict the first pixel from the one above; others leave it unchanged."""


def add_hidden(parts: MetadataParts, image: Image.Image, content: bytes) -> None:
    """Add the text that is hidden in a PNG's pixels, if there is one."""
    if _is_in_plain_text(parts) or len(content) < HEADER_BYTES:
        return
    channels = CHANNELS.get(content[25], 0) if content[24] == EIGHT_BITS else 0
    if not channels or content[28] != NOT_INTERLACED or _pixels_of(image) > MAX_PIXELS:
        return

    for signatures, used in _possible(content, image.size, channels):
        _add(parts, image, used, signatures)


def _is_in_plain_text(parts: MetadataParts) -> bool:
    """Return whether the metadata hold in plain text what the same programs would hide."""
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
    header = _hidden(pixels, start + LENGTH_BYTES)
    if header[:start] not in signatures:
        return
    text = _text(pixels, header[:start], int.from_bytes(header[start:]))
    if text:
        parts.texts[FIELD] = text
    else:
        parts.unreadable = HIDDEN_BROKEN


def _text(pixels: "np.ndarray[Any, Any]", signature: bytes, length: int) -> str | None:
    """Return the hidden text of `length` bits; None if it cannot be read."""
    start = len(signature) + LENGTH_BYTES
    if length > min(pixels.size - 8 * start, 8 * MAX_JSON_LENGTH):
        return None
    raw = _hidden(pixels, start + length // 8)[start:]
    try:
        return text_of(inflated(raw, GZIP) if signature.endswith(COMPRESSED) else raw)
    except (zlib.error, ValueError):
        return None


def _hidden(pixels: "np.ndarray[Any, Any]", count: int) -> bytes:
    """Return the first `count` bytes in the lowest bits, by column, pixel and channel."""
    height, _, channels = pixels.shape
    columns = pixels[:, : -(-8 * count // (height * channels))]
    bits = (columns.transpose(1, 0, 2) & 1).ravel()
    return np.packbits(bits[: 8 * count]).tobytes()


def _possible(content: bytes, size: tuple[int, int], channels: int) -> list[Carrier]:
    """Return the carriers that may hold a text, by the lowest bits of the first column."""
    carriers = [carrier for carrier in CARRIERS if channels >= carrier[1].stop]
    last = min(size[1], 8 * len(ALPHA[0]))
    for number, pixel in enumerate(_first_column(content, size, channels), 1):
        carriers = [carrier for carrier in carriers if _agrees(carrier, number - 1, pixel)]
        if not carriers or number == last:
            return carriers
    return []


def _agrees(carrier: Carrier, number: int, pixel: bytes) -> bool:
    """Return whether a pixel of the first column may belong to a signature."""
    signatures, used = carrier
    values = pixel[used]
    for bit, value in enumerate(values, number * len(values)):
        if bit >= 8 * len(signatures[0]):
            break
        if all((signature[bit // 8] >> (7 - bit % 8) & 1) != value & 1 for signature in signatures):
            return False
    return True


def _first_column(content: bytes, size: tuple[int, int], channels: int) -> Iterator[bytes]:
    """Yield the first pixel of each row from the top, decompressing no more than is asked for.

    With nothing to its left, only the pixel above is needed to undo a row's filter.
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
    """Decompress until `rows` holds `size` bytes; return False if the data end before."""
    while len(rows) < size:
        piece = next(pieces, None)
        if piece is None:
            return False
        rows += piece
    return True


def _unfiltered(row_filter: int, pixel: bytes | bytearray, above: bytes) -> Iterator[int]:
    for value, before in zip(pixel, above, strict=True):
        halved = before // 2 if row_filter == AVERAGE else 0
        predicted = before if row_filter in (UP, PAETH) else halved
        yield (value + predicted) & 0xFF


def _pixels(content: bytes) -> Iterator[bytes]:
    """Yield the filtered rows of a PNG, decompressed piece by piece."""
    stream = zlib.decompressobj()
    for kind, chunk, chunk_end in png_chunks(content):
        if kind != b"IDAT":
            continue
        end = chunk_end - 4
        # Fed in pieces as well, since zlib copies the unconsumed input each time.
        for start in range(chunk + 8, min(end, len(content)), PIECE):
            waiting = content[start : min(start + PIECE, end)]
            while waiting:
                try:
                    yield stream.decompress(waiting, LONGEST_PIECE)
                except zlib.error:
                    return
                waiting = stream.unconsumed_tail
