"""The real command on a small model, as a process, with few steps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from contract_checks import departures
from safetensors.torch import load_file
from toy_runs import prepare_run, write_snapshot

from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess, python_environment, usable_cores
from align.contracts.run_files import MetricsRow, RunStatus
from align.contracts.run_timing import RunTiming
from align.errors import DiskFull, RunLocked, SnapshotError, TrainingDiverged
from align.training.session import train_folder

pytestmark = pytest.mark.slow


def train(run_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "align", "train", str(run_dir)]
    return subprocess.run(command, env=python_environment(), capture_output=True, text=True)


def wait_for(condition, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def finished(model, tmp_path_factory) -> RunFolder:
    """A run that the command trained, while somebody else tried to."""
    folder = tmp_path_factory.mktemp("finished")
    snapshot = write_snapshot(folder / "snapshot", preferences=24, ties=2)
    run = RunFolder(prepare_run(folder / "run", snapshot, model, objective="dpo"))
    with subprocess.Popen(
        [sys.executable, "-m", "align", "train", str(run.path)],
        env=python_environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        with pytest.raises(RunLocked):
            wait_for(lambda: RunFolder(run.path).lock(wait_s=0).release())
        _, errors = child.communicate()
    assert child.returncode == 0, errors
    return run


def test_a_run_ends_in_an_adapter_and_says_how_it_went(finished):
    run, status = finished, finished.status()
    assert (status.state, status.progress, status.step) == ("done", 1.0, 3)
    assert status.result["left_out"] == {"tie": 2}
    assert status.result["objective_title"] == "Diffusion-DPO"
    assert status.result["held_out"]["pairs"] == 3
    # The curve counts pairs, as the result does.
    curve = {row["step"]: row.get("held_out_accuracy") for row in run.metrics()}
    kept = curve[status.result["kept_step"]]
    assert kept == pytest.approx(status.result["held_out"]["accuracy"])
    assert 0 <= status.result["settled"]["flipped"] <= 1
    assert 0 < status.result["settled"]["pairs"] <= 64
    # Three steps of a small learning rate: it moved, and not far.
    assert 0 < status.result["movement"] < 0.5
    assert status.result["pace"]["side"] == 64
    assert run.adapter.is_file()
    rows = run.metrics()
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows[0]["loss"] == pytest.approx(0.6931, abs=1e-4)
    assert rows[0]["rewards/accuracies"] == 0.5
    assert {"rewards/chosen", "rewards/rejected", "grad_norm", "eta_s"} <= set(rows[-1])
    assert {"accuracy", "margin_winner", "margin_loser", "reward"} <= set(rows[-1])
    margin = rows[-1]["rewards/chosen"] - rows[-1]["rewards/rejected"]
    assert rows[-1]["rewards/margins"] == margin
    assert departures(rows, list[MetricsRow]) == []
    assert departures(json.loads((run.path / "status.json").read_text("utf-8")), RunStatus) == []


def test_a_killed_run_goes_on_to_the_very_same_adapter(make_run):
    undisturbed, killed = (make_run(name, steps=30) for name in ("undisturbed", "killed"))
    trainer, run = TrainerProcess(), RunFolder(killed)
    train_folder(undisturbed)
    for steps in (1, 3):
        trainer.start(killed)
        wait_for(
            lambda steps=steps: run.stored_status().step >= steps or len(run.metrics()) >= steps
        )
        trainer.kill(killed)
        wait_for(lambda: trainer.status(killed).state == "interrupted")
    trainer.start(killed)
    wait_for(lambda: trainer.status(killed).state == "done")
    first, second = load_file(undisturbed / "adapter.safetensors"), load_file(run.adapter)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [row["step"] for row in run.metrics()] == [*range(1, 31)]


def test_accumulating_two_batches_of_one_equals_a_batch_of_two(make_run):
    exact = {"precision": "fp32"}
    whole, parts = make_run("whole", **exact), make_run("parts", micro_batch_size=1, **exact)
    train_folder(whole)
    train_folder(parts)
    first, second = (load_file(run / "adapter.safetensors") for run in (whole, parts))
    difference = sum((first[n] - second[n]).square().sum() for n in first) ** 0.5
    size = sum(first[n].square().sum() for n in first) ** 0.5
    assert difference / size < 1e-4


def test_a_cancelled_run_stops_and_can_go_on(make_run):
    run_dir = make_run(steps=2000)
    trainer, run = TrainerProcess(), RunFolder(run_dir)
    trainer.start(run_dir)
    wait_for(lambda: trainer.status(run_dir).step >= 1)
    trainer.cancel(run_dir)
    wait_for(lambda: trainer.status(run_dir).state == "cancelled")
    done = trainer.status(run_dir).step
    # What it did says what another one would take.
    timing = trainer.timing(run_dir)
    assert timing is not None and 0 < timing["steps"] < done and timing["start_s"] > 0
    assert not departures(timing, RunTiming)
    trainer.start(run_dir)
    wait_for(lambda: trainer.status(run_dir).step > done)
    trainer.cancel(run_dir)
    wait_for(lambda: trainer.status(run_dir).state == "cancelled")
    assert [row["step"] for row in run.metrics()] == list(
        range(1, trainer.status(run_dir).step + 1)
    )


def test_a_run_that_is_cancelled_while_images_are_encoded_takes_no_step_and_can_go_on(make_run):
    run = RunFolder(make_run(steps=2))
    run.request_cancel()
    train_folder(run.path)
    assert (run.status().state, run.status().step) == ("cancelled", 0)
    run.clear_cancel()
    train_folder(run.path)
    assert (run.status().state, run.status().step) == ("done", 2)
    assert run.status().eta_s is None


def test_two_trainers_never_share_a_folder(finished):
    with finished.lock(), pytest.raises(RunLocked, match="Another process trains in"):
        RunFolder(finished.path).lock(wait_s=0)
    # Nor while the command trained, which was refused to nobody but the other one.
    assert finished.status().state == "done"


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda s: (s / "pairs.jsonl").unlink(), "is not a snapshot"),
        (lambda s: (s / "pairs.jsonl").write_text("{}"), "not the file its manifest names"),
    ],
)
def test_a_damaged_snapshot_fails_with_a_sentence(make_run, damage, sentence):
    run = RunFolder(make_run())
    damage(run.snapshot)
    with pytest.raises(SnapshotError, match=sentence):
        train_folder(run.path)
    assert (run.status().state, sentence in run.status().error) == ("failed", True)


def test_only_ties_are_nothing_to_learn_from(make_run):
    with pytest.raises(SnapshotError, match="No decisive vote"):
        train_folder(make_run(pairs=0, ties=3))


def test_a_loss_that_explodes_stops_the_run_and_says_so(make_run):
    run = RunFolder(make_run(learning_rate=1.0, kappa=1e6, max_grad_norm=1e6, warmup_steps=0))
    config = run.read_config()
    train = replace(config.train, learning_rate=1e30)
    run.write_config(replace(config, train=train))
    with pytest.raises(TrainingDiverged, match="lower learning_rate"):
        train_folder(run.path)
    assert run.status().state == "failed"


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    finished = train(tmp_path)
    assert finished.returncode == 1
    assert "is not a run folder" in finished.stderr


def test_status_and_config_are_plain_json(make_run, model):
    run = RunFolder(make_run())
    config = json.loads((run.path / "config.json").read_text())
    assert config["model"]["path"] == model.path and config["train"]["steps"] == 3
    assert run.status().state == "queued"


def test_a_second_run_asks_the_reference_nothing_again(make_run, tmp_path):
    first, second = make_run("first"), make_run("second", objective="ipo")
    for folder in (first, second):
        train_folder(folder, cache=tmp_path / "cache")
    asked = [RunFolder(folder).status().result["reference_draws"] for folder in (first, second)]
    assert asked[0] == {"asked": 6, "known": 0}
    assert asked[1] == {"asked": 6, "known": 6}


def test_remembered_errors_train_the_same_adapter(make_run, tmp_path):
    cold, warm = make_run("cold"), make_run("warm")
    for folder in (cold, warm):
        train_folder(folder, cache=tmp_path / "cache")
    first, second = (load_file(folder / "adapter.safetensors") for folder in (cold, warm))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_few_draws_come_round_again(make_run):
    run = RunFolder(make_run(noise_samples_per_pair=1, pairs=2, steps=3))
    train_folder(run.path)
    assert run.status().result["reference_draws"] == {"asked": 6, "known": 4}


def test_a_dry_run_says_what_would_be_trained_and_trains_nothing(make_run):
    run = RunFolder(make_run(pairs=24, ties=2, objective="ipo"))
    command = [sys.executable, "-m", "align", "train", "--dry-run", str(run.path)]
    printed = subprocess.run(command, env=python_environment(), capture_output=True, text=True)
    planned = json.loads(printed.stdout)
    assert (planned["objective"], planned["pairs"], planned["held_out"]) == ("ipo", 24, 3)
    assert (planned["kappa"], planned["beta"], planned["batch"]) == (40.0, 80.0, 2)
    assert planned["left_out"] == {"tie": 2}
    assert run.status().state == "queued"


def test_two_processes_train_what_one_does(make_run):
    alike = {"steps": 3, "train_batch_size": 4, "micro_batch_size": 2, "precision": "fp32"}
    one, two = make_run("one", **alike), make_run("two", num_processes=2, **alike)
    trainer = TrainerProcess()
    trainer.start(two)
    train_folder(one)
    wait_for(lambda: trainer.status(two).state not in ("queued", "running"))
    assert trainer.status(two).state == "done", RunFolder(two).log.read_text()[-2000:]
    first, second = (load_file(folder / "adapter.safetensors") for folder in (one, two))
    difference = sum((first[n] - second[n]).square().sum() for n in first) ** 0.5
    assert difference / sum(w.square().sum() for w in first.values()) ** 0.5 <= 1e-5
    losses = [[row["loss"] for row in RunFolder(folder).metrics()] for folder in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_ends_the_run_in_a_sentence_and_it_goes_on_once_there_is_room(
    make_run, small_disk
):
    run = RunFolder(shutil.copytree(make_run(), small_disk / "run"))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 300_000))
    with pytest.raises(DiskFull, match="Free some space on it and resume"):
        train_folder(run.path)
    assert (run.status().state, "is full" in run.status().error) == ("failed", True)
    ballast.unlink()
    train_folder(run.path)
    assert run.status().state == "done"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux says who may use what")
def test_a_process_that_may_use_one_core_counts_one() -> None:
    core = min(os.sched_getaffinity(0))
    asked = "import os; from align.client.trainer import usable_cores; "
    asked += f"os.sched_setaffinity(0, [{core}]); print(usable_cores())"
    environment = {k: v for k, v in python_environment().items() if k != "OMP_NUM_THREADS"}
    printed = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True
    )
    assert printed.stdout == "1\n"


@pytest.mark.parametrize(("told", "counted"), [("1", 1), ("999", 2), ("0", 2), ("2,1", 2)])
def test_threads_follow_what_is_usual_to_set(monkeypatch, told, counted):
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 2)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert usable_cores() == counted
