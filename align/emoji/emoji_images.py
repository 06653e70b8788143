"""Emoji images: one array on disk, composed on backgrounds.

Shapes: N images, B images of a batch, H x W pixels, 3 or 4 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from align.contracts.errors import Conflict
from align.emoji.settings import DataSettings
from align.errors import AlignError
from align.files import read_json, replacing, write_json

LABELS = "labels.txt"
BACKGROUNDS = {
    "white": (255, 255, 255),
    "black": (18, 18, 22),
    "blue": (60, 120, 220),
    "pink": (250, 190, 210),
    "green": (120, 190, 120),
    "yellow": (250, 220, 110),
    "gray": (128, 128, 128),
    "purple": (130, 90, 170),
}
"""The background words of the model, and their colors."""
DARK_BRIGHTNESS = 60
"""Ink is inverted on darker backgrounds: black on black shows nothing."""


class NoImages(AlignError, Conflict):
    """The working folder has no images yet."""


@dataclass(frozen=True)
class EmojiImage:
    """One emoji in one style."""

    code: str
    label: str
    tags: tuple[str, ...]
    style: str
    learned: bool
    """True if the denoiser is trained on it."""
    held_out: bool
    """True if it is kept for the figures."""


@dataclass(frozen=True)
class EmojiImages:
    """The images of a working folder."""

    rows: list[EmojiImage]
    rgba_NHW4: np.ndarray

    def where(self, **facts: object) -> np.ndarray:
        """Return the indices of images with all these values, such as `learned=True`."""
        chosen = [
            number
            for number, row in enumerate(self.rows)
            if all(getattr(row, name) == value for name, value in facts.items())
        ]
        return np.array(chosen, dtype=np.int64)


def write_images(work: Path, rows: list[EmojiImage], rgba_NHW4: np.ndarray) -> None:
    """Write the images of a working folder."""
    with replacing(work / "images.npy") as scratch:
        np.save(scratch, rgba_NHW4)
    write_json(work / "images.json", [asdict(row) for row in rows])


def read_labels(work: Path) -> list[str]:
    """Read the subjects that a working folder's model is for."""
    try:
        return (work / LABELS).read_text("utf-8").split("\n")
    except FileNotFoundError:
        raise NoImages(
            f"There is no {LABELS} in this folder yet. Run the command data first."
        ) from None


def read_images(work: Path) -> EmojiImages:
    """Open the images that `write_images` wrote; pixels are read from disk as they are needed.

    Raises:
        NoImages: there are none in this folder.
    """
    # Folders of an earlier version say `pictures`, and `drawn` in every row.
    name = "images" if (work / "images.json").exists() else "pictures"
    stored = read_json(work / f"{name}.json")
    if stored is None:
        raise NoImages("There are no images in this folder yet. Run the command data first.")
    renamed = [{"learned" if key == "drawn" else key: row[key] for key in row} for row in stored]
    rows = [EmojiImage(**row | {"tags": tuple(row["tags"])}) for row in renamed]
    return EmojiImages(rows, np.load(work / f"{name}.npy", mmap_mode="r"))


def compose(
    rgba_HW4: np.ndarray, style: str, background: str, corner: tuple[int, int], side: int
) -> np.ndarray:
    """Compose an emoji on a plain background, its upper left corner at (row, column)."""
    color_3 = np.array(BACKGROUNDS[background], dtype=np.float32)
    height, width = rgba_HW4.shape[:2]
    image_HW3 = np.broadcast_to(color_3, (side, side, 3)).copy()
    colors_HW3 = rgba_HW4[..., :3].astype(np.float32)
    if style == "ink" and color_3.mean() < DARK_BRIGHTNESS:
        colors_HW3 = 255 - colors_HW3

    opacity_HW1 = rgba_HW4[..., 3:].astype(np.float32) / 255
    area = np.s_[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
    image_HW3[area] += opacity_HW1 * (colors_HW3 - image_HW3[area])
    return np.rint(image_HW3).astype(np.uint8)


def sample_corner(random: np.random.Generator, settings: DataSettings) -> tuple[int, int]:
    """Sample the upper left corner of an emoji, with the least margin on every side."""
    farthest = settings.side - settings.emoji_side - settings.least_margin
    row, column = random.integers(settings.least_margin, farthest + 1, size=2)
    return int(row), int(column)


def compose_batch(
    images: EmojiImages,
    numbers_B: np.ndarray,
    random: np.random.Generator,
    settings: DataSettings,
) -> np.ndarray:
    """Compose images, each on a random background at a random position: [B, H, W, 3] bytes."""
    names = list(BACKGROUNDS)
    composed = []
    for number in numbers_B:
        background = names[int(random.integers(len(names)))]
        corner = sample_corner(random, settings)
        row, rgba_HW4 = images.rows[number], images.rgba_NHW4[number]
        composed.append(compose(rgba_HW4, row.style, background, corner, settings.side))
    return np.stack(composed)


def sheet(images: Sequence[Image.Image], columns: int = 20) -> Image.Image:
    """Arrange square images in a grid, for a person to look at."""
    side = images[0].width
    whole = Image.new("RGB", (columns * side, -(-len(images) // columns) * side))
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        whole.paste(image, (column * side, row * side))
    return whole
