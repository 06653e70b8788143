"""Real parts at toy size: a small model, the embedded one, and images painted by Pillow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from toy_runs import prepare_run, write_snapshot

from align.client.models import describe_model
from align.contracts.models import ModelInfo
from align.device import Compute


@pytest.fixture(scope="session")
def model(small_model_folder) -> ModelInfo:
    """A model of which no more is asked than that it renders and trains."""
    return describe_model(str(small_model_folder))


@pytest.fixture(scope="session")
def emoji() -> ModelInfo:
    """The embedded model, where images should show something."""
    return describe_model()


@pytest.fixture(scope="session")
def compute() -> Compute:
    """fp32 on the CPU, where equal inputs give equal numbers."""
    return Compute(torch.device("cpu"), torch.float32, None)


@pytest.fixture(scope="session")
def pipeline(model, compute):
    from align.weights.pipeline import load_pipeline  # noqa: PLC0415  diffusers takes seconds

    return load_pipeline(model, compute)


@pytest.fixture(scope="session")
def emoji_pipeline(emoji, compute):
    from align.weights.pipeline import load_pipeline  # noqa: PLC0415  diffusers takes seconds

    return load_pipeline(emoji, compute)


@pytest.fixture
def make_snapshot(tmp_path) -> Callable[..., Path]:
    """Writes a snapshot folder with this many preferences and ties."""

    def make(preferences: int, ties: int = 0, size: int = 128) -> Path:
        return write_snapshot(tmp_path / "snapshot", preferences, ties, size)

    return make


@pytest.fixture
def make_run(tmp_path, model, make_snapshot) -> Callable[..., Path]:
    """Prepares a run folder, ready for `python -m align train`."""

    def make(name: str = "run", pairs: int = 6, ties: int = 0, **settings: float | str) -> Path:
        snapshot = tmp_path / "snapshot"
        if not snapshot.exists():
            make_snapshot(pairs, ties)
        return prepare_run(tmp_path / name, snapshot, model, **settings)

    return make
