"""Thumbnails of an import's preview, rendered on request and stored nowhere."""

import io
from pathlib import Path

from annotate.image_import.decode import MAX_FILE_BYTES, open_image, to_srgb
from storage.safe_files import SkippedFile, read_whole

SIDE_PX = 144
"""Longer side: shown at half of that, for screens with two pixels per point."""
MAX_PIXELS = 20_000_000
"""Decoding a larger image takes too long for a thumbnail."""
WEBP_QUALITY = 80


def thumbnail(path: Path, root: Path) -> bytes | None:
    """Return a thumbnail as WebP; None for an image that is damaged or slow to decode."""
    try:
        return small_copy(read_whole(path, root, MAX_FILE_BYTES))
    except SkippedFile:
        return None


def small_copy(content: bytes) -> bytes | None:
    """Return a thumbnail of an image's bytes; None for one that is damaged or slow to decode."""
    try:
        with open_image(content) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            # JPEG can be decoded at a fraction of its size, which is faster.
            image.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
            small = to_srgb(image)
            small.thumbnail((SIDE_PX, SIDE_PX))
            buffer = io.BytesIO()
            small.info.clear()
            small.save(buffer, "WEBP", quality=WEBP_QUALITY)
            return buffer.getvalue()
    except Exception:
        # Whatever decoders raise on a damaged file: the card shows no thumbnail.
        return None
