"""The images of a working folder: fetched, drawn and stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from align.diffusion.noise import hashed_uniform
from align.emoji.drawing import draw_icons, draw_images
from align.emoji.emoji_images import (
    BACKGROUNDS,
    LABELS,
    EmojiImage,
    EmojiImages,
    compose,
    sheet,
    write_images,
)
from align.emoji.settings import DataSettings, Settings
from align.emoji.sources import NAMES, REGISTRY, STYLES, fetch, read_json_member
from align.emoji.subjects import Subject, read_subjects

CHOSEN = "chosen.txt"


def prepare(work: Path, settings: Settings, registry: str = REGISTRY) -> None:
    """Fetch all packages, draw every emoji in every style, and store images and names."""
    sources, data = work / "sources", settings.data
    names = fetch(NAMES, sources, registry)
    subjects = read_subjects(
        read_json_member(names, "en/data.json"), read_json_member(names, "en/messages.json")
    )
    wanted = {subject.code for subject in subjects}
    drawings: dict[str, dict[str, np.ndarray]] = {}
    for style, package in STYLES.items():
        archive = fetch(package, sources, registry)
        draw = draw_images if style == "3d" else draw_icons
        drawings[style] = dict(draw(archive, data.emoji_side, wanted))
        print(f"{style}: {len(drawings[style]):,} images", flush=True)
    rows, rgba_NHW4 = tabulate(subjects, drawings, data)
    write_images(work, rows, rgba_NHW4)
    write_labels(work, rows)
    images = EmojiImages(rows, rgba_NHW4)
    contact_sheet(images, data).save(work / "images.png")
    print(f"{len(rows):,} images, {len(images.where(drawn=True)):,} of them to be drawn")


def tabulate(
    subjects: list[Subject], drawings: dict[str, dict[str, np.ndarray]], settings: DataSettings
) -> tuple[list[EmojiImage], np.ndarray]:
    """One row an image. A subject that few styles know is not learned, only seen."""
    rows, arrays = [], []
    for subject in subjects:
        styles = [style for style in drawings if subject.code in drawings[style]]
        drawn = subject.drawn and len(styles) >= settings.least_styles
        held_out = hashed_uniform(settings.seed, "held out", subject.code) < settings.held_out
        for style in styles:
            facts = (subject.code, subject.label, subject.tags, style, drawn, held_out)
            rows.append(EmojiImage(*facts))
            arrays.append(drawings[style][subject.code])
    return rows, np.stack(arrays)


def write_labels(work: Path, rows: list[EmojiImage]) -> None:
    """The subjects that the model is for, one a line: those of `chosen.txt` with images."""
    chosen = set((Path(__file__).parent / CHOSEN).read_text("utf-8").split("\n"))
    labels = sorted({row.label for row in rows if row.drawn and row.label in chosen})
    (work / LABELS).write_text("\n".join(labels) + "\n", encoding="utf-8")


def contact_sheet(images: EmojiImages, settings: DataSettings, columns: int = 20) -> Image.Image:
    """Some of the images to be drawn, on all backgrounds in turn, for a person to look at."""
    numbers = images.where(drawn=True)
    numbers = numbers[:: max(1, len(numbers) // (columns * 12))][: columns * 12]
    names, margin = list(BACKGROUNDS), (settings.side - settings.emoji_side) // 2
    composed = []
    for place, number in enumerate(numbers):
        background, style = names[place % len(names)], images.rows[number].style
        rgba_HW4 = images.rgba_NHW4[number]
        square = compose(rgba_HW4, style, background, (margin, margin), settings.side)
        composed.append(Image.fromarray(square))
    return sheet(composed, columns)
