"""Files with metadata put together byte by byte, as programs of all kinds leave it."""

import gzip
import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from image_files_made import scene
from PIL import Image

from annotate.image_import.fields import fields_of

Entry = tuple[int, int, bytes]
"""Tag, type and value."""
ASCII, BYTE, UNDEFINED, UTF8 = 2, 1, 7, 129
DESCRIPTION, MODEL, COMMENT, DETAILS = 0x010E, 0x0110, 0x9286, 0x8769


def fields(content: bytes) -> dict[str, str]:
    """The texts of a file."""
    with Image.open(io.BytesIO(content)) as image:
        return dict(fields_of(image))


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or scene(5)).save(buffer, kind, **options)
    return buffer.getvalue()


def png(*chunks: bytes, after: Sequence[bytes] = (), image: Image.Image | None = None) -> bytes:
    """A PNG with chunks before its pixels, and after them."""
    content = encoded("PNG", image)
    return content[:33] + b"".join(chunks) + content[33:-12] + b"".join(after) + content[-12:]


def itxt(name: str, text: bytes, packed: bool = False) -> bytes:
    body = zlib.compress(text) if packed else text
    return chunk(b"iTXt", name.encode() + b"\0" + bytes([packed]) + b"\0de\0Name\0" + body)


def profile(name: bytes, data: bytes) -> bytes:
    """EXIF and the like in hexadecimal digits, as ImageMagick writes it."""
    digits = data.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = b"\n" + name + b"\n%8d\n" % len(data) + lines + b"\n"
    return chunk(b"zTXt", b"Raw profile type " + name + b"\0\0" + zlib.compress(text))


def tiff(first: Sequence[Entry], details: Sequence[Entry] = (), order: str = ">") -> bytes:
    """EXIF without its mark: a directory, and one of details."""
    start = 8 + directory_size(first, 1 if details else 0)
    pointer = [(DETAILS, 4, struct.pack(order + "I", start))] if details else []
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    body = directory([*first, *pointer], 8, order)
    return head + body + (directory(details, start, order) if details else b"")


def directory_size(entries: Sequence[Entry], more: int) -> int:
    values = sum(len(value) + len(value) % 2 for _, _, value in entries if len(value) > 4)
    return 2 + 12 * (len(entries) + more) + 4 + values


def directory(entries: Sequence[Entry], at: int, order: str) -> bytes:
    rows, values = b"", b""
    place = at + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        count = 1 if kind == 4 else len(value)
        said = value.ljust(4, b"\0")
        if len(value) > 4:
            said = struct.pack(order + "I", place + len(values))
            values += value + b"\0" * (len(value) % 2)
        rows += struct.pack(order + "HHI", tag, kind, count) + said
    return struct.pack(order + "H", len(entries)) + rows + b"\0\0\0\0" + values


def comment(raw: bytes, order: str = ">") -> bytes:
    """EXIF with a UserComment."""
    return tiff([], [(COMMENT, UNDEFINED, raw)], order)


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    """A JPEG with segments before its pixels."""
    content = encoded("JPEG")
    made = (b"\xff" + bytes([kind]) + (len(part) + 2).to_bytes(2) + part for kind, part in segments)
    return content[:2] + b"".join(made) + content[2:]


def with_exif(kind: str, data: bytes) -> bytes:
    """A file of each kind with EXIF."""
    if kind == "PNG":
        return png(chunk(b"eXIf", data))
    if kind == "JPEG":
        return jpeg((0xE1, b"Exif\0\0" + data))
    return encoded("WEBP", exif=data)


def with_xmp(kind: str, packet: bytes) -> bytes:
    """A file of each kind with XMP."""
    if kind == "PNG":
        return png(itxt("XML:com.adobe.xmp", packet))
    if kind == "JPEG":
        return jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))
    return encoded("WEBP", xmp=packet)


def xmp(properties: str, attributes: str = "") -> bytes:
    """A packet of XMP."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {attributes}>{properties}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def iptc(*records: tuple[int, int, bytes]) -> bytes:
    """Records of IPTC."""
    return b"".join(
        bytes([0x1C, record, number]) + len(value).to_bytes(2) + value
        for record, number, value in records
    )


def resource(number: int, data: bytes) -> bytes:
    """A resource of Photoshop's, without a name."""
    return (
        b"8BIM"
        + number.to_bytes(2)
        + b"\0\0"
        + len(data).to_bytes(4)
        + data
        + b"\0" * (len(data) % 2)
    )


def hidden(
    text: str,
    signature: bytes,
    image: Image.Image | None = None,
    packed: bytes | None = None,
    claimed: int | None = None,
    **options: Any,
) -> bytes:
    """A PNG with a text in the lowest bits of its pixels, column by column."""
    body = packed if packed is not None else text.encode()
    if packed is None and signature.endswith(b"comp"):
        body = gzip.compress(body)
    said = 8 * len(body) if claimed is None else claimed
    bits = np.unpackbits(np.frombuffer(signature + said.to_bytes(4) + body, np.uint8))
    mode = "RGB" if b"rgb" in signature else "RGBA"
    pixels = np.array((image or scene(5, (128, 96))).convert(mode))
    columns = pixels.transpose(1, 0, 2).copy()
    used = columns[:, :, :3] if mode == "RGB" else columns[:, :, 3:]
    flat = used.reshape(-1)
    flat[: len(bits)] = (flat[: len(bits)] & 0xFE) | bits
    columns[:, :, slice(0, 3) if mode == "RGB" else slice(3, 4)] = flat.reshape(used.shape)
    return encoded("PNG", Image.fromarray(columns.transpose(1, 0, 2), mode), **options)
