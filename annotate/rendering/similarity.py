"""Near-duplicate images: a small fingerprint of each, compared without opening files again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROWS, COLUMNS = 8, 9
MAX_REJECTED_IN_A_ROW = 3
MAX_BITS = 6
"""Bits of 64 in which two encodings of one image differ; unrelated ones differ in about 32."""
MAX_COLOR_DISTANCE = 12.0
"""Mean difference of channels, of 255: an image that was recolored is another image."""


@dataclass(frozen=True, slots=True)
class ImageFingerprint:
    """Perceptual fingerprint: the signs of brightness gradients, and a coarse thumbnail."""

    gradients: int
    colors: bytes


def fingerprint_of(image: Image.Image) -> ImageFingerprint:
    """Return the difference hash (dHash, 64 bits) of an image, and an 8 x 8 RGB thumbnail."""
    grey = image.convert("L").resize((COLUMNS, ROWS), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    rises = np.packbits(levels[:, 1:] > levels[:, :-1])
    colors = image.convert("RGB").resize((ROWS, ROWS), Image.Resampling.BOX)
    return ImageFingerprint(int.from_bytes(rises.tobytes()), colors.tobytes())


def look_alike(first: ImageFingerprint, second: ImageFingerprint) -> bool:
    """Return whether two images are so close that nobody could prefer one."""
    # dHash sees no color, so that a red and a blue one of the same drawing need the second check.
    if (first.gradients ^ second.gradients).bit_count() > MAX_BITS:
        return False
    mine, theirs = (
        np.frombuffer(each.colors, np.uint8).astype(np.int16) for each in (first, second)
    )
    return float(np.abs(mine - theirs).mean()) <= MAX_COLOR_DISTANCE


class DuplicateFilter:
    """Rejects pairs of images that look alike, but for one after so many in a row.

    A model that renders nothing else is still to be voted on.
    """

    def __init__(self) -> None:
        self._in_a_row = 0

    def rejects(self, first: Path, second: Path) -> bool:
        """Return whether to leave out a pair of image files; False for an unreadable one."""
        if self._look_alike(first, second) and self._in_a_row < MAX_REJECTED_IN_A_ROW:
            self._in_a_row += 1
            return True
        self._in_a_row = 0
        return False

    @staticmethod
    def _look_alike(first: Path, second: Path) -> bool:
        try:
            return look_alike(fingerprint_of(Image.open(first)), fingerprint_of(Image.open(second)))
        except OSError:
            return False
