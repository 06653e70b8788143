"""Whether a run's samples look the same before and after it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from align.client.run_folder import RunFolder
from align.contracts.run_samples import image_name
from align.training.likeness import alike_share


def write_samples(run_dir: Path, changes: list[float], shares: tuple[float, ...] = (0, 1)) -> None:
    """Write samples of a base, and of a version that is lighter by these shares of white."""
    noise = np.random.default_rng(0).integers(0, 150, (64, 64, 3))
    (run_dir / "samples").mkdir()
    stages = []
    for share in shares:
        names = [image_name(share, index) for index in range(len(changes))]
        for name, change in zip(names, changes, strict=True):
            pixels = noise + round(255 * share * change)
            Image.fromarray(pixels.astype(np.uint8)).save(run_dir / name)
        stages.append({"step": round(8 * share), "share": share, "images": names})
    prompts = [
        {"prompt": f"cat {index}", "seed": 1, "voted": True} for index in range(len(changes))
    ]
    samples = {"prompts": prompts, "stages": stages}
    (run_dir / "samples.json").write_text(json.dumps(samples))


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ([0.0, 0.0, 0.0, 0.0], 1.0),
        ([0.004, 0.0, 0.004, 0.2], 0.75),
        ([0.2, 0.1, 0.3, 0.05], 0.0),
    ],
)
def test_images_are_alike_where_nobody_sees_what_changed(tmp_path, changes, alike):
    write_samples(tmp_path, changes)
    assert alike_share(RunFolder(tmp_path)) == alike


def test_a_run_without_samples_says_nothing_about_them(tmp_path):
    assert alike_share(RunFolder(tmp_path)) is None


def test_a_run_that_lacks_its_last_images_says_nothing_about_them(tmp_path):
    write_samples(tmp_path, [0.1], shares=(0, 0.5))
    assert alike_share(RunFolder(tmp_path)) is None


def test_a_damaged_image_ends_no_run(tmp_path):
    write_samples(tmp_path, [0.1])
    (tmp_path / image_name(1, 0)).write_bytes(b"no image")
    assert alike_share(RunFolder(tmp_path)) is None
