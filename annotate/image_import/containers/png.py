"""Metadata of a PNG: chunks tEXt, zTXt and iTXt, EXIF, and profiles in hexadecimal digits.

Not read by Pillow, which leaves out chunks after the pixels, decodes UTF-8 as Latin-1, and of
several texts with one keyword keeps only the last.
"""

import zlib
from collections.abc import Iterator
from itertools import islice

from annotate.image_import.containers.encodings import is_utf8, narrow_text
from annotate.image_import.containers.metadata_parts import (
    ENCODING_UNKNOWN,
    TEXTS_BROKEN,
    TEXTS_LONG,
    XMP_MARK,
    MetadataParts,
)
from annotate.image_import.header_checks import EXIF, MAX_PARTS
from annotate.image_import.programs.reader import MAX_JSON_LENGTH
from annotate.png_chunks import png_chunks

MAX_TEXTS = 200
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
PRINTABLE = bytes({*range(0x20, 0x100)} - {0x7F}) + b"\t\r\n"
"""Bytes that are no control characters."""
XMP = "xml:com.adobe.xmp"
PROFILE = "raw profile type "
"""Keyword under which ImageMagick and others store EXIF, IPTC and XMP in a text."""
PROFILES = {"exif": "exif", "iptc": "iptc", "8bim": "iptc", "xmp": "xmp"}
APP1 = "app1"
"""Profile of a JPEG segment that holds EXIF or XMP."""


def parts_of_png(content: bytes) -> MetadataParts:
    """Return the metadata of a PNG, also that after its pixels."""
    parts = MetadataParts()
    international: set[str] = set()
    for number, (kind, data) in enumerate(_metadata_chunks(content)):
        if number >= MAX_TEXTS:
            parts.unreadable = TEXTS_LONG
            break
        if kind == b"eXIf":
            parts.exif.append(data)
            continue
        try:
            name, raw = _text_in(kind, data)
        except (zlib.error, ValueError) as error:
            parts.unreadable = TEXTS_LONG if isinstance(error, ValueError) else TEXTS_BROKEN
            # A text that is too long was decompressed in vain, so it counts in full.
            if isinstance(error, ValueError) and not parts.take(MAX_JSON_LENGTH):
                break
            continue

        if not parts.take(len(raw)):
            break
        if name == XMP or name.startswith(PROFILE):
            _keep_profile(parts, name, raw)
        elif raw.startswith(EXIF):
            parts.exif.append(raw)
        elif raw.strip(b"\0 ") and (kind == b"iTXt" or name not in international):
            # A text in Latin-1 beside the same in Unicode lacks letters.
            international.update([name] * (kind == b"iTXt"))
            _keep_text(parts, name, narrow_text(raw))
    return parts


def _metadata_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and data of the chunks that hold metadata."""
    for kind, start, end in islice(png_chunks(content), MAX_PARTS):
        if kind in TEXT_CHUNKS or kind == b"eXIf":
            yield kind, content[start + 8 : end - 4]


def _text_in(kind: bytes, data: bytes) -> tuple[str, bytes]:
    """Return the keyword of a chunk in lower case, and its text.

    Raises zlib.error for damaged data, ValueError for a text that is too long.
    """
    keyword, _, body = data.partition(b"\0")
    compressed = kind == b"zTXt"
    if kind == b"iTXt":
        compressed, body = body[:1] == b"\1", body[2:]
        body = body.partition(b"\0")[2].partition(b"\0")[2]
    elif compressed:
        body = body[1:]
    name = keyword.decode("latin-1").strip().lower()
    return name, _unpacked(body) if compressed else body


def _unpacked(data: bytes) -> bytes:
    try:
        return inflated(data, zlib.MAX_WBITS)
    except zlib.error:
        # Some programs mark a text as compressed and store it as it is.
        if is_utf8(data) and not data.translate(None, PRINTABLE):
            return data
        raise


def inflated(data: bytes, window: int) -> bytes:
    """Decompress data; raises zlib.error if it is damaged, ValueError if it is too long."""
    stream = zlib.decompressobj(window)
    decompressed = stream.decompress(data, MAX_JSON_LENGTH)
    if len(decompressed) >= MAX_JSON_LENGTH:
        raise ValueError("too much data")
    if not stream.eof:
        # Part of a prompt would pass for a different prompt.
        raise zlib.error("incomplete data")
    return decompressed


def _keep_text(parts: MetadataParts, name: str, text: str | None) -> None:
    if text is None:
        parts.unreadable = ENCODING_UNKNOWN
    else:
        parts.texts[name] = text


def _keep_profile(parts: MetadataParts, name: str, raw: bytes) -> None:
    """Keep XMP, or a profile that is stored in hexadecimal digits after three lines."""
    kind = name.removeprefix(PROFILE)
    if name == XMP:
        parts.xmp = raw
        return
    try:
        data = bytes.fromhex(b"".join(raw.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        parts.unreadable = TEXTS_BROKEN if kind in (*PROFILES, APP1) else parts.unreadable
        return

    if kind == APP1:
        kind = "exif" if data.startswith(b"Exif\0") else "xmp"
        data = data.removeprefix(XMP_MARK)
    if kind == "exif":
        parts.exif.append(data)
    elif kind in PROFILES and not getattr(parts, PROFILES[kind]):
        setattr(parts, PROFILES[kind], data)
