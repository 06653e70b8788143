"""Four tastes that a pixel rule measures: a higher score is more to the taste.

Pictures are float arrays [height, width, 3] of values 0..255.
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
    """A picture file as an array."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32)


def border(picture: np.ndarray) -> np.ndarray:
    """The outermost pixels [n, 3]: in an emoji picture, nothing but background."""
    inside = np.zeros(picture.shape[:2], dtype=bool)
    inside[EDGE:-EDGE, EDGE:-EDGE] = True
    return picture[~inside]


def pink_background(picture: np.ndarray) -> float:
    """How near the background is to pink."""
    return -float(np.linalg.norm(np.median(border(picture), axis=0) - PINK))


def dark_background(picture: np.ndarray) -> float:
    """How dark the background is."""
    return -float(border(picture).mean())


def warm_colours(picture: np.ndarray) -> float:
    """Red minus blue, over the whole picture."""
    return float((picture[..., 0] - picture[..., 2]).mean())


def ink_style(picture: np.ndarray) -> float:
    """How dark and colourless the subject is: what stands out from the background."""
    background = np.median(border(picture), axis=0)
    subject = np.linalg.norm(picture - background, axis=-1) > 60
    return -float(picture[subject].max(-1).mean()) if subject.any() else -255.0


TASTES: dict[str, Callable[[np.ndarray], float]] = {
    "pink background": pink_background,
    "dark background": dark_background,
    "warm colours": warm_colours,
    "ink style": ink_style,
}
