"""Snapshots of images painted by Pillow, and runs of few steps on them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from PIL import Image

from align.client.progress import OnStep
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.contracts.run_files import LoggedStep

COLOURS = ["red", "green", "blue", "gold", "navy", "pink", "black", "white"]


def write_snapshot(folder: Path, preferences: int, ties: int = 0, size: int = 128) -> Path:
    """Write a snapshot of images of one colour each."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(preferences + ties):
        paths = []
        for side in range(2):
            name = f"images/{number}-{side}.png"
            colour = COLOURS[(number + 3 * side) % len(COLOURS)]
            Image.new("RGB", (size, size), colour).save(folder / name)
            paths.append(name)
        row = {"pair_id": str(number), "prompt": f"a cat number {number}"}
        if number < preferences:
            row |= {"kind": "preference", "chosen": paths[0], "rejected": paths[1]}
        else:
            row |= {"kind": "tie", "images": paths}
        rows.append(json.dumps(row))
    text = "\n".join(rows) + "\n"
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    manifest = {"snapshot_id": "s0001", "files": {"pairs.jsonl": digest}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def prepare_run(folder: Path, snapshot: Path, model: ModelInfo, **settings: float | str) -> Path:
    """Prepare a run of three steps, unless the settings say otherwise."""
    small = {
        "steps": 3,
        "train_batch_size": 2,
        "rank": 2,
        "checkpoint_every": 2,
        "check_prompts": 0,
    }
    # What fits is found out once for every run: as long as a step here.
    small |= {"micro_batch_size": 2, "gradient_checkpointing": "none", "base_format": "model"}
    TrainerProcess().prepare(folder, snapshot, model, small | settings)
    return folder


class Stopped(Exception):
    """A process that ends in the middle of a run."""


def stop_after(step: int) -> OnStep:
    """Return what ends a run after a step, as its argument `on_step`."""

    def stop(metrics: LoggedStep) -> None:
        if metrics["step"] == step:
            raise Stopped

    return stop


def write_shapes(folder: Path, shapes: list[tuple[tuple[int, int], ...]], **more: object) -> Path:
    """Write a snapshot of preferences between images of noise, two of these sizes each."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, sizes in enumerate(shapes):
        names = [f"images/{number}-{side}.png" for side in range(2)]
        for side, name in enumerate(names):
            noise = Image.effect_noise(sizes[side], 40 + 20 * number + side)
            noise.convert("RGB").save(folder / name)
        row = {"kind": "preference", "prompt": f"a cat number {number}"}
        rows.append(json.dumps(row | {"chosen": names[0], "rejected": names[1]} | more))
    text = "\n".join(rows) + "\n"
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    manifest = {"snapshot_id": "s0001", "files": {"pairs.jsonl": digest}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
