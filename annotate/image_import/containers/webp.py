"""Metadata of a WebP: one chunk of EXIF and one of XMP."""

from annotate.image_import.containers.metadata_parts import TEXTS_LONG, MetadataParts
from annotate.image_import.header_checks import webp_chunks

EXIF, XMP = b"EXIF", b"XMP "
METADATA_CHUNKS = (EXIF, XMP)
MAX_CHUNK_BYTES = 16_000_000


def parts_of_webp(content: bytes) -> MetadataParts:
    """Return the metadata of a WebP."""
    parts = MetadataParts()
    found: dict[bytes, bytes] = {}
    for at in webp_chunks(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind in METADATA_CHUNKS and size > MAX_CHUNK_BYTES:
            parts.unreadable = TEXTS_LONG
        elif kind in METADATA_CHUNKS:
            found.setdefault(kind, content[at + 8 : at + 8 + size])
    parts.exif, parts.xmp = [found.get(EXIF, b"")], found.get(XMP, b"")
    return parts
