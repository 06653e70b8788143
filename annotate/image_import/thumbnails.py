"""Small images for a preview, made while it is looked at and kept nowhere."""

import io
from pathlib import Path

from annotate.image_import.decode import LARGEST_FILE, in_colour, opened
from annotate.safe_files import read_whole

SIDE = 144
"""Pixels of the longer side: shown at half of that, for screens with two to a point."""
MOST_PIXELS = 20_000_000
"""A larger image takes too long to decode for what it is worth."""
QUALITY = 80


def thumbnail(path: Path, root: Path) -> bytes | None:
    """Return an image as a small WebP; None for one that cannot be shown, or not in a moment."""
    try:
        with opened(read_whole(path, root, LARGEST_FILE)) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            # JPEG is decoded at a fraction of its size.
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = in_colour(image)
            small.thumbnail((SIDE, SIDE))
            buffer = io.BytesIO()
            small.info.clear()
            small.save(buffer, "WEBP", quality=QUALITY)
            return buffer.getvalue()
    except (
        Exception
    ):  # SkippedFile, and what decoders raise on a damaged file: no example is worth a card.
        return None
