"""One run on images of several aspect ratios."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator
from toy_runs import prepare_run, write_shapes

from align.adapters.lora import lora_state
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.contracts.run_files import RunState
from align.device import choose_compute
from align.training.pair_accuracy import PairAccuracy
from align.training.session import train_folder
from align.training.state import TrainingState, prepare_training
from align.training.step import train_step

pytestmark = pytest.mark.slow

SHAPES = [(64, 64), (48, 96), (96, 48), (64, 64)]


@pytest.fixture
def snapshot(tmp_path):
    return write_shapes(tmp_path / "snapshot", [(shape, shape) for shape in SHAPES])


@pytest.fixture
def open_state(tmp_path, snapshot, model):
    """Opens a run of batches of four pairs, so many of them at once."""

    def open_one(micro_batch_size: int) -> TrainingState:
        settings = {"train_batch_size": 4, "micro_batch_size": micro_batch_size}
        folder = tmp_path / f"run{micro_batch_size}"
        run = RunFolder(prepare_run(folder, snapshot, model, precision="fp32", **settings))
        accelerator, compute = Accelerator(cpu=True), choose_compute("fp32")
        report = Reporter(run, 3, writes=False)
        return prepare_training(run, report, accelerator, compute, folder / "cache")

    return open_one


def test_a_run_trains_on_three_aspect_ratios_and_ends(tmp_path, snapshot, model):
    run = RunFolder(prepare_run(tmp_path / "run", snapshot, model, train_batch_size=4))
    train_folder(run.path)
    status = run.status()
    assert status.state is RunState.DONE and status.result["pairs"] == len(SHAPES)


def test_pairs_of_one_size_at_once_take_the_step_that_single_pairs_take(open_state):
    together, alone = open_state(4), open_state(1)
    assert len({*together.data.sizes}) == 3
    first, second = (train_step(state, 0) for state in (together, alone))
    assert first["loss"] == pytest.approx(second["loss"], abs=1e-5)
    weights = [lora_state(state.unet) for state in (together, alone)]
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=1e-6, rtol=1e-3)


def test_accuracies_stay_with_their_pairs(open_state):
    state = open_state(4)
    train_step(state, 0)
    rows, measuring = list(range(len(SHAPES))), (4, state.config.kappa, state.compute, 3)
    every = PairAccuracy(state.batcher, state.reference, rows, *measuring).measure(state.unet)
    each = [
        PairAccuracy(state.batcher, state.reference, [row], *measuring).measure(state.unet)
        for row in rows
    ]
    assert every.accuracy_B.tolist() == [float(one.accuracy_B[0]) for one in each]


def test_memory_is_planned_for_the_largest_size(open_state):
    data = open_state(4).data
    assert data.largest_size == (96, 48)
    bare = replace(data, sizes=[(48, 88)])
    assert bare.largest_size == (48, 88)
