"""A run leaves the device to others at a checkpoint, and goes on from there."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from toy_runs import Stopped

from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.run_files import LoggedStep, RunState, RunStatus
from align.files import write_json
from align.training import loop
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
    settings |= {"base_format": "auto"}
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


def test_a_process_that_pauses_counts_as_running_until_it_is_gone(tmp_path):
    run, trainer = RunFolder(tmp_path), TrainerProcess()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = psutil.Process(child.pid).create_time()
        run.write_status(RunStatus(RunState.PAUSED, pid=child.pid, pid_started=started))
        assert (run.status().state, run.status().phase) == ("running", "pausing")
        assert trainer.is_alive(tmp_path) and not run.status().silent_s
        stored = run.stored_status()
        write_json(tmp_path / "status.json", asdict(replace(stored, updated=time.time() - 90)))
        assert run.status().silent_s > 80
    assert run.status().state == "paused" and not trainer.is_alive(tmp_path)

    trainer.cancel(tmp_path)
    assert run.status().state == "cancelled"


def test_a_trainer_that_is_killed_before_it_heeds_a_request_loses_no_more_than_steps(make_run):
    settings = {"steps": 6, "checkpoint_every": 2, "precision": "fp32"}
    whole, killed = (make_run(name, **settings) for name in ("whole", "killed"))
    train_folder(whole)

    def pause_and_die(row: LoggedStep) -> None:
        if row["step"] == 3:
            TrainerProcess().pause(killed)
            raise Stopped

    with pytest.raises(Stopped):
        train_folder(killed, on_step=pause_and_die)
    train_folder(killed)
    assert RunFolder(killed).status().state == "done" and same_adapters(whole, killed)


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_what_is_asked_while_the_checkpoint_of_a_pause_is_written_counts(
    make_run, monkeypatch, state
):
    run, write = RunFolder(make_run(steps=4, checkpoint_every=100)), loop.write_checkpoint

    def write_slowly(training):
        write(training)
        if state == "cancelled":
            run.request_cancel()
        else:
            TrainerProcess().go_on(run.path)

    monkeypatch.setattr(loop, "write_checkpoint", write_slowly)
    train_folder(run.path, on_step=pause_at(run.path, 2))
    assert run.status().state == state


def test_a_pause_that_is_withdrawn_while_the_process_ends_starts_it_again(tmp_path):
    run, started = RunFolder(tmp_path), []

    class Started(TrainerProcess):
        def start(self, run_dir: Path) -> None:
            started.append(run.status().state)

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"]) as child:
        begun = psutil.Process(child.pid).create_time()
        run.write_status(RunStatus(RunState.PAUSED, pid=child.pid, pid_started=begun))
        run.request_pause()
        Started().go_on(tmp_path)
    assert started == ["paused"] and not run.pause_requested
