"""Images small enough to lie inside a page."""

import base64
import io
import warnings
from pathlib import Path

from PIL import Image

LARGEST_PLAIN = 60_000
SIDE = 384


def as_data(path: Path, side: int = SIDE) -> str | None:
    """Return an image as a data address, made smaller if need be; None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                if path.stat().st_size <= LARGEST_PLAIN and max(image.size) <= side:
                    kind = Image.MIME[image.format or "PNG"]
                    return _address(kind, path.read_bytes())
                small = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        return None
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=88)
    return _address("image/jpeg", buffer.getvalue())


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
