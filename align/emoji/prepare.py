"""Images of a working folder: fetched, rasterized and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from align.diffusion.noise import hashed_uniform
from align.emoji.emoji_images import (
    BACKGROUNDS,
    LABELS,
    EmojiImage,
    EmojiImages,
    compose,
    sheet,
    write_images,
)
from align.emoji.rasterize import rasterize_icons, scaled_images
from align.emoji.settings import DataSettings, EmojiSettings
from align.emoji.sources import NAMES, REGISTRY, STYLES, fetch, read_json_member
from align.emoji.subjects import Subject, read_subjects

CHOSEN = "chosen.txt"


def prepare(work: Path, settings: EmojiSettings, registry: str = REGISTRY) -> None:
    """Fetch all packages, rasterize every emoji in every style, and write images and labels."""
    sources, data = work / "sources", settings.data
    names = fetch(NAMES, sources, registry)
    subjects = read_subjects(
        read_json_member(names, "en/data.json"), read_json_member(names, "en/messages.json")
    )

    codes = {subject.code for subject in subjects}
    arrays: dict[str, dict[str, np.ndarray]] = {}
    for style, package in STYLES.items():
        archive = fetch(package, sources, registry)
        read = scaled_images if style == "3d" else rasterize_icons
        arrays[style] = dict(read(archive, data.emoji_side, codes))
        print(f"{style}: {len(arrays[style]):,} images", flush=True)

    rows, rgba_NHW4 = tabulate(subjects, arrays, data)
    write_images(work, rows, rgba_NHW4)
    write_labels(work, rows)
    images = EmojiImages(rows, rgba_NHW4)
    contact_sheet(images, data).save(work / "images.png")
    print(f"{len(rows):,} images, {len(images.where(learned=True)):,} of them to be learned")


def tabulate(
    subjects: list[Subject], arrays: dict[str, dict[str, np.ndarray]], settings: DataSettings
) -> tuple[list[EmojiImage], np.ndarray]:
    """List the images of all subjects and styles, one row an image.

    Only the autoencoder is trained on a subject that exists in too few styles.
    """
    rows, stacked = [], []
    for subject in subjects:
        styles = [style for style in arrays if subject.code in arrays[style]]
        learned = subject.learned and len(styles) >= settings.least_styles
        # By subject: a held-out one must not be seen in another style.
        held_out = hashed_uniform(settings.seed, "held out", subject.code) < settings.held_out
        for style in styles:
            fields = (subject.code, subject.label, subject.tags, style, learned, held_out)
            rows.append(EmojiImage(*fields))
            stacked.append(arrays[style][subject.code])
    return rows, np.stack(stacked)


def write_labels(work: Path, rows: list[EmojiImage]) -> None:
    """Write the subjects that the model is for, one a line: those of `chosen.txt` with images."""
    chosen = set((Path(__file__).parent / CHOSEN).read_text("utf-8").split("\n"))
    labels = sorted({row.label for row in rows if row.learned and row.label in chosen})
    (work / LABELS).write_text("\n".join(labels) + "\n", encoding="utf-8")


def contact_sheet(images: EmojiImages, settings: DataSettings, columns: int = 20) -> Image.Image:
    """Compose a sample of the learned images, on all backgrounds in turn."""
    numbers = images.where(learned=True)
    numbers = numbers[:: max(1, len(numbers) // (columns * 12))][: columns * 12]
    names, margin = list(BACKGROUNDS), (settings.side - settings.emoji_side) // 2

    composed = []
    for index, number in enumerate(numbers):
        background, style = names[index % len(names)], images.rows[number].style
        rgba_HW4 = images.rgba_NHW4[number]
        square = compose(rgba_HW4, style, background, (margin, margin), settings.side)
        composed.append(Image.fromarray(square))
    return sheet(composed, columns)
