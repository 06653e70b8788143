"""Metadata of a WebP: a chunk of EXIF and one of XMP."""

from annotate.material.containers.parts import Parts
from annotate.material.heads import webp_chunks

LARGEST = 16_000_000


def parts_of_webp(content: bytes) -> Parts:
    """Return the metadata of a WebP."""
    found: dict[bytes, bytes] = {}
    for at in webp_chunks(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind in (b"EXIF", b"XMP ") and size <= LARGEST:
            found.setdefault(kind, content[at + 8 : at + 8 + size])
    return Parts(exif=found.get(b"EXIF", b""), xmp=found.get(b"XMP ", b""))
