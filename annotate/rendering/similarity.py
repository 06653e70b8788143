"""How alike two images look: a small fingerprint of each, compared without opening them again."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

ROWS, COLUMNS = 8, 9
MOST_BITS = 6
"""Of 64 that differ between two encodings of one image; unrelated ones differ in about 32."""
MOST_COLOUR = 12.0
"""Of 255, on average: an image that was recoloured is another image."""


@dataclass(frozen=True, slots=True)
class ImageFingerprint:
    """An image at a glance: the direction of its brightness gradients, and its coarse colours."""

    gradients: int
    colours: bytes


def fingerprint_of(image: Image.Image) -> ImageFingerprint:
    """Return the difference hash (dHash, 64 bits) of an image, and an 8 x 8 thumbnail."""
    grey = image.convert("L").resize((COLUMNS, ROWS), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    rises = np.packbits(levels[:, 1:] > levels[:, :-1])
    colours = image.convert("RGB").resize((ROWS, ROWS), Image.Resampling.BOX)
    return ImageFingerprint(int.from_bytes(rises.tobytes()), colours.tobytes())


def look_alike(one: ImageFingerprint, other: ImageFingerprint) -> bool:
    """Whether two images are so near each other that nobody could prefer one."""
    if (one.gradients ^ other.gradients).bit_count() > MOST_BITS:
        return False
    mine, theirs = (np.frombuffer(each.colours, np.uint8).astype(np.int16) for each in (one, other))
    return float(np.abs(mine - theirs).mean()) <= MOST_COLOUR
