"""Four tastes that a pixel rule measures: a higher score is more to the taste.

Images are float arrays [height, width, 3] of values 0..255.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

PINK = np.array([250.0, 190.0, 210.0])
EDGE = 6


def read(path: Path | str | IO[bytes]) -> np.ndarray:
    """An image file as an array."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32)


def border(image: np.ndarray) -> np.ndarray:
    """The outermost pixels [n, 3]: in an emoji image, nothing but background."""
    inside = np.zeros(image.shape[:2], dtype=bool)
    inside[EDGE:-EDGE, EDGE:-EDGE] = True
    return image[~inside]


def pink_background(image: np.ndarray) -> float:
    """How near the background is to pink."""
    return -float(np.linalg.norm(np.median(border(image), axis=0) - PINK))


def dark_background(image: np.ndarray) -> float:
    """How dark the background is."""
    return -float(border(image).mean())


def warm_colours(image: np.ndarray) -> float:
    """Red minus blue, over the whole image."""
    return float((image[..., 0] - image[..., 2]).mean())


def ink_style(image: np.ndarray) -> float:
    """How dark and colourless the subject is: what stands out from the background."""
    background = np.median(border(image), axis=0)
    subject = np.linalg.norm(image - background, axis=-1) > 60
    return -float(image[subject].max(-1).mean()) if subject.any() else -255.0


TASTES: dict[str, Callable[[np.ndarray], float]] = {
    "pink background": pink_background,
    "dark background": dark_background,
    "warm colours": warm_colours,
    "ink style": ink_style,
}
