"""Images as data URLs, scaled down to be embedded in a page."""

import base64
import io
import warnings
from pathlib import Path

from PIL import Image

MAX_UNCHANGED_BYTES = 60_000
"""A file up to this size is embedded as it is; a larger one becomes a JPEG."""
SIDE_PX = 384
JPEG_QUALITY = 88


def as_data(path: Path, side_px: int = SIDE_PX) -> str | None:
    """Return an image as a data URL, scaled down if needed; None if it cannot be read."""
    try:
        with warnings.catch_warnings():
            # A tiny file may claim a gigantic image: Pillow warns first, and that is an error here.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                if path.stat().st_size <= MAX_UNCHANGED_BYTES and max(image.size) <= side_px:
                    kind = Image.MIME[image.format or "PNG"]
                    return _data_url(kind, path.read_bytes())
                small = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        return None

    small.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return _data_url("image/jpeg", buffer.getvalue())


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
