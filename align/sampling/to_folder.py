"""Render images of prompts into a folder, each with its prompt in a text file beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from align.contracts.evaluation_files import GRID
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderItem
from align.device import Compute
from align.errors import InvalidSettings
from align.sampling.image_sampler import ImageSampler, items_of
from align.weights.export_facts import AdapterSource, read_source

MAX_NAME_CHARACTERS = 40
OnImage = Callable[[int, int], None]


def sample(
    target: Path,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    source: Path | None = None,
    model: ModelInfo | None = None,
    compute: Compute | None = None,
    on_image: OnImage = lambda done, of: None,
) -> list[Path]:
    """Render every prompt with every seed, and return the image files prompt by prompt.

    Args:
        target: a folder; images in it that this makes again are replaced.
        source: a run folder or an adapter file; None renders with the base alone.
        model: the base; left out, the one the run was made from, in its look, or the embedded one.

    Raises:
        InvalidSettings: no prompt or no seed.
        ExportError, BrokenRun: `source` holds no adapter.
        ModelError: the model cannot be loaded.
    """
    items = items_of(prompts, seeds)
    origin = read_source(source) if source else AdapterSource(Path())
    sampler = ImageSampler(model or origin.model, compute)
    target.mkdir(parents=True, exist_ok=True)

    files: list[Path] = []
    adapter = origin.adapter if source else None
    # The LoRAs of a run's look fit the base that it was trained from.
    look = None if model else origin.look
    parts = sampler.render_in_batches(prompts, seeds, adapter=adapter, settings=look)
    for indices, images in parts:
        for index, image in zip(indices, images, strict=True):
            files.append(_write(target, items[index], index // len(seeds), image))
        on_image(len(files), len(items))
    contact_sheet(files, len(seeds)).save(target / GRID)
    return files


def _write(target: Path, item: RenderItem, number: int, image: Image.Image) -> Path:
    words = re.sub(r"[^a-z0-9]+", "-", item.prompt.lower()).strip("-")[:MAX_NAME_CHARACTERS]
    path = target / f"{number:03}-{words or 'prompt'}-seed-{item.seed}.png"
    image.save(path)
    path.with_suffix(".txt").write_text(item.prompt, encoding="utf-8")
    return path


def contact_sheet(files: Sequence[Path], columns: int, side: int = 256) -> Image.Image:
    """Return one image with all images on it, `columns` to a row."""
    rows = -(-len(files) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side))
    for index, file in enumerate(files):
        with Image.open(file) as image:
            tile = image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(tile, (index % columns * side, index // columns * side))
    return sheet


def parse_seeds(text: str) -> list[int]:
    """Parse seeds such as "1,5,8-10", each once.

    Raises:
        InvalidSettings: anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 2**32 or last - first >= 1000:
            raise InvalidSettings(f"The seeds {text!r} are unclear. Write them like 1,2 or 1-4.")
        seeds.extend(range(first, last + 1))
    return list(dict.fromkeys(seeds))
