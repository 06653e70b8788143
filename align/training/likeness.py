"""Likeness of a run's samples: the share of them that look the same before and after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from align.client.run_folder import RunFolder
from align.contracts.run_samples import RunSamples, as_samples, no_samples
from align.files import read_json

COMPARED_SIDE = 128
"""Pixels of a side at which images are compared: what is finer than that, people do not notice."""
ALIKE = 0.005
"""Mean difference of the channels, as a share of their range, below which two images look alike.

It lies between runs of 30 steps of the embedded model with a tenth of its preset's learning rate
(0.0006 to 0.0014) and with the preset's (0.008 to 0.11).
"""


def alike_share(run: RunFolder) -> float | None:
    """Return the share of the sampled prompts whose first and last images look alike.

    None where a run rendered no samples, or they cannot be read: no run fails for their sake.
    """
    try:
        samples = as_samples(read_json(run.samples_path) or no_samples())
        differences = [difference(run.path / a, run.path / b) for a, b in ends(samples)]
    except (OSError, ValueError):
        return None
    if not differences:
        return None
    return sum(each < ALIKE for each in differences) / len(differences)


def ends(samples: RunSamples) -> list[tuple[str, str]]:
    """Return the images of base and version, by prompt; none where a stage is missing."""
    stages = {stage["share"]: stage["images"] for stage in samples["stages"]}
    if 0 not in stages or 1 not in stages:
        return []
    return list(zip(stages[0], stages[1], strict=False))


def difference(first: Path, second: Path) -> float:
    """Return the mean difference of two images' channels, from 0 to 1."""
    return float(np.abs(_pixels(first) - _pixels(second)).mean())


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        small = image.convert("RGB").resize((COMPARED_SIDE, COMPARED_SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255
