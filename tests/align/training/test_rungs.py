"""A run on a device that is too small: rung by rung down, and nothing lost."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from small_device import SmallDevice

from align.adapters.lora import lora_state
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.contracts.run_files import LoggedStep
from align.device import choose_compute
from align.errors import OutOfMemory
from align.training.checkpoint import write_checkpoint
from align.training.rungs import format_of_base, in_memory, pairs_at_once, recomputed
from align.training.session import train_folder
from align.training.state import TrainingState, prepare_training
from align.training.step import train_step
from align.weights.quantized import QuantizedLinear

pytestmark = pytest.mark.slow

ON_SMALL_DEVICE = {"train_batch_size": 4, "micro_batch_size": 4, "precision": "fp32"}
ON_SMALL_DEVICE |= {"base_format": "auto"}


@pytest.fixture
def open_state(make_run, tmp_path):
    """Opens a run of batches of four pairs, again where it was opened before."""

    def open_one(name: str, **settings) -> TrainingState:
        run = RunFolder(tmp_path / name)
        if not run.path.exists():
            make_run(name, **ON_SMALL_DEVICE | settings)
        accelerator, compute = Accelerator(cpu=True), choose_compute("fp32")
        report = Reporter(run, 3, writes=False)
        return prepare_training(run, report, accelerator, compute, tmp_path / "cache")

    return open_one


def rung(state: TrainingState) -> tuple[int, str, str]:
    return pairs_at_once(state), recomputed(state), format_of_base(state)


def step_on(state: TrainingState, megabytes: float, step: int = 0) -> float:
    """Take a step on a device of this size that holds the model already; return its loss."""
    with SmallDevice(megabytes * 1e6) as device:
        device.hold(state.unet)
        return train_step(state, step)["loss"]


@pytest.mark.parametrize(
    ("megabytes", "reached"),
    [
        (6.0, (4, "none", "model")),
        (4.5, (2, "none", "model")),
        (3.5, (1, "none", "model")),
        (2.7, (1, "all", "model")),
        (2.3, (1, "all", "int8")),
    ],
)
def test_the_smaller_the_device_the_further_down(open_state, megabytes, reached):
    state = open_state("run")
    assert step_on(state, megabytes) == pytest.approx(0.693, abs=0.01)
    assert rung(state) == reached
    layers = [module for module in state.unet.modules() if isinstance(module, QuantizedLinear)]
    assert bool(layers) == (reached[2] == "int8")


def test_a_run_that_went_down_is_resumed_where_it_came_to(open_state):
    undisturbed, stopped = open_state("undisturbed"), open_state("stopped")
    for state in (undisturbed, stopped):
        step_on(state, 2.3)
        state.progress.step = 1
    write_checkpoint(stopped)

    resumed = open_state("stopped")
    assert rung(resumed) == rung(undisturbed) == (1, "all", "int8")
    assert resumed.run.settled()["base_format"] == "int8"
    for state in (undisturbed, resumed):
        train_step(state, 1)
    first, second = (lora_state(state.unet) for state in (undisturbed, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_base_that_somebody_wants_whole_stays_whole(open_state):
    state = open_state("run", base_format="model")
    with pytest.raises(OutOfMemory, match=r"everything recomputed\. Close .* from step 0"):
        step_on(state, 2.3)
    assert rung(state) == (1, "all", "model")


def test_with_too_little_for_anything_a_run_fails_in_a_sentence_and_goes_on_later(make_run):
    run = RunFolder(make_run("run", **ON_SMALL_DEVICE))

    def tighten(metrics: LoggedStep) -> None:
        # What a checkpoint copies, and no more.
        device.limit = device.now + 100_000

    with SmallDevice() as device, pytest.raises(OutOfMemory, match="which goes on from"):
        train_folder(run.path, on_step=tighten)
    status = run.status()
    assert status.state == "failed"
    assert "resume the run, which goes on from" in status.error

    train_folder(run.path)
    assert [row["step"] for row in run.metrics()] == [1, 2, 3]
    result = run.status().result
    assert (result["micro_batch_size"], result["gradient_checkpointing"]) == (1, "all")


def test_a_device_whose_errors_have_no_class_of_their_own_goes_down_the_same_rungs(open_state):
    """As Apple's."""
    state, refusals = open_state("run"), iter(["MPS backend out of memory (MPS allocated: 18 GB)"])

    def work() -> int:
        for refusal in refusals:
            raise RuntimeError(refusal)
        return pairs_at_once(state)

    assert in_memory(state, work) == 2
