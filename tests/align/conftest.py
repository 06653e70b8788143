"""Real parts at toy size: the embedded model and a snapshot of images painted by Pillow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from align.client.models import describe_model
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.device import Compute
from align.weights.pipeline import load_pipeline

COLOURS = ["red", "green", "blue", "gold", "navy", "pink", "black", "white"]


@pytest.fixture(scope="session")
def model() -> ModelInfo:
    return describe_model()


@pytest.fixture(scope="session")
def compute() -> Compute:
    """fp32 on the CPU, where equal inputs give equal numbers."""
    return Compute(torch.device("cpu"), torch.float32, None)


@pytest.fixture(scope="session")
def pipeline(model, compute):
    return load_pipeline(model, compute)


@pytest.fixture
def make_snapshot(tmp_path) -> Callable[..., Path]:
    """Writes a snapshot folder with this many preferences and ties."""

    def make(preferences: int, ties: int = 0, size: int = 128) -> Path:
        folder = tmp_path / "snapshot"
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

    return make


@pytest.fixture
def make_run(tmp_path, model, make_snapshot) -> Callable[..., Path]:
    """Prepares a run folder, ready for `python -m align train`."""

    def make(name: str = "run", pairs: int = 6, ties: int = 0, **settings: float | str) -> Path:
        snapshot = tmp_path / "snapshot"
        if not snapshot.exists():
            make_snapshot(pairs, ties)
        small = {
            "steps": 3,
            "train_batch_size": 2,
            "rank": 2,
            "checkpoint_every": 2,
            "check_prompts": 0,
        }
        # What fits is found out once for every run: as long as a step here.
        small |= {"micro_batch_size": 2, "gradient_checkpointing": "none"}
        TrainerProcess().prepare(tmp_path / name, snapshot, model, small | settings)
        return tmp_path / name

    return make
