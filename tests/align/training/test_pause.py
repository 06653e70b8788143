"""A run leaves the device to others at a checkpoint, and goes on from there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from running import wait_for
from safetensors.torch import load_file

from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.run_files import LoggedStep, RunState
from align.training.session import train_folder

pytestmark = pytest.mark.slow


def pause_at(run_dir: Path, *steps: int) -> Callable[[LoggedStep], None]:
    """What asks a run to pause after each of these steps."""

    def on_step(row: LoggedStep) -> None:
        if row["step"] in steps:
            TrainerProcess().pause(run_dir)

    return on_step


def same_adapters(first: Path, second: Path) -> bool:
    """Whether two runs came to the same weights, to the bit."""
    ours, theirs = (load_file(run / "adapter.safetensors") for run in (first, second))
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


def test_a_run_that_was_paused_comes_to_the_very_same_adapter(make_run):
    settings = {"steps": 12, "checkpoint_every": 5, "precision": "fp32", "holdout_fraction": 0.34}
    settings |= {"micro_batch_size": 0, "gradient_checkpointing": "auto", "train_batch_size": 4}
    whole, paused = (make_run(name, **settings) for name in ("whole", "paused"))
    train_folder(whole)
    run, left = RunFolder(paused), []
    for _ in range(4):
        train_folder(paused, on_step=pause_at(paused, 2, 3, 9))
        left.append((run.status().state, run.status().step))
    paused_at = [(RunState.PAUSED, step) for step in (2, 3, 9)]
    assert left == [*paused_at, (RunState.DONE, 12)]
    assert same_adapters(whole, paused)
    assert [row["step"] for row in run.metrics()] == [*range(1, 13)]


def test_a_paused_run_keeps_its_progress_and_the_time_that_is_left(make_run):
    run = RunFolder(make_run(steps=6))
    train_folder(run.path, on_step=pause_at(run.path, 3))
    status = run.status()
    assert (status.state, status.step, status.phase) == ("paused", 3, "")
    assert 0 < status.progress < 1 and status.eta_s is not None and status.error is None
    train_folder(run.path)
    assert run.status().state == "done"


def test_a_request_of_before_is_forgotten_and_the_last_step_comes_before_a_pause(make_run):
    run = RunFolder(make_run(steps=2))
    run.request_pause()
    train_folder(run.path, on_step=pause_at(run.path, 2))
    assert run.status().state == "done"


def test_the_time_of_training_adds_up_over_the_processes_of_a_run(make_run):
    run = RunFolder(make_run(steps=3))
    train_folder(run.path, on_step=pause_at(run.path, 2))
    state = torch.load(run.checkpoint, weights_only=True)
    assert 0 < state["seconds"] < 600
    torch.save(state | {"seconds": 1000.0}, run.checkpoint)
    train_folder(run.path)
    assert 1000 < run.status().result["seconds"] < 1600


def test_a_process_that_pauses_counts_as_running_until_it_is_gone(make_run):
    run_dir = make_run(steps=2000)
    trainer, run = TrainerProcess(), RunFolder(run_dir)
    trainer.start(run_dir)
    wait_for(lambda: run.stored_status().step >= 2, "steps")
    seen = run.stored_status()
    trainer.pause(run_dir)
    wait_for(lambda: trainer.status(run_dir).state == "paused", "the pause")
    with pytest.raises(ProcessLookupError):
        os.kill(seen.pid, 0)
    assert run.checkpoint.is_file()

    trainer.cancel(run_dir)
    assert trainer.status(run_dir).state == "cancelled"


def test_a_trainer_killed_while_it_pauses_is_interrupted_and_loses_only_steps(make_run):
    run_dir = make_run(steps=2000, checkpoint_every=2)
    trainer, run = TrainerProcess(), RunFolder(run_dir)
    trainer.start(run_dir)
    wait_for(lambda: run.stored_status().step >= 4, "steps")
    trainer.pause(run_dir)
    trainer.kill(run_dir)
    wait_for(lambda: trainer.status(run_dir).state in ("interrupted", "paused"), "its end")
    trainer.start(run_dir)
    assert not run.pause_requested
    wait_for(lambda: trainer.status(run_dir).step > 4, "further steps")
    trainer.kill(run_dir)
