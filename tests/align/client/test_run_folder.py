"""What a run folder says of its trainer."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace

import psutil
import pytest

from align.client.config import TrainConfig
from align.client.run_config import RunConfig
from align.client.run_folder import RunFolder
from align.contracts.models import ModelInfo
from align.contracts.run_files import RunState, RunStatus
from align.errors import BrokenRun
from align.files import write_json
from align.training.session import train_folder


def stored(run: RunFolder, status: RunStatus, updated: float) -> RunStatus:
    """Status as it is read after its trainer wrote it at that time."""
    run.write_status(status)
    written = run.stored_status()
    write_json(run.path / "status.json", asdict(replace(written, updated=updated)))
    return run.status()


def test_a_trainer_that_says_nothing_for_minutes_is_silent_and_a_busy_one_is_not(tmp_path):
    run = RunFolder(tmp_path)
    me = psutil.Process(os.getpid())
    status = RunStatus("running", "training", 3, 10, 0.3, 60.0, pid=me.pid)
    run.write_status(status)
    now = run.stored_status().updated
    assert run.status().silent_s == 0.0 and run.status().eta_s == 60.0

    silent = stored(run, status, now - 200)
    assert silent.state == "running" and 200 <= silent.silent_s < 260 and silent.eta_s is None
    assert stored(run, status, now + 86_400).silent_s == 0.0, "a clock that was put back"
    assert stored(run, replace(status, state="done"), now - 200).silent_s == 0.0


def test_a_status_that_an_older_trainer_wrote_is_read(tmp_path):
    run = RunFolder(tmp_path)
    old = {name: value for name, value in asdict(RunStatus("done")).items() if name != "silent_s"}
    write_json(tmp_path / "status.json", old)
    assert run.status() == RunStatus("done")


def test_metrics_of_before_are_read_under_the_names_of_trl(tmp_path):
    run = RunFolder(tmp_path)
    before = {"step": 1, "loss": 0.7, "accuracy": 0.5, "margin_winner": -0.5, "margin_loser": -1.5}
    run.metrics_path.write_text(json.dumps(before) + "\n", encoding="utf-8")
    present = {
        "rewards/accuracies": 0.5,
        "rewards/chosen": -0.5,
        "rewards/rejected": -1.5,
        "rewards/margins": 1.0,
    }
    assert run.metrics() == [before | present]
    run.forget_metrics_after(1)
    assert run.metrics() == [before | present]


def test_metrics_are_written_under_their_former_names_too(tmp_path):
    run = RunFolder(tmp_path)
    run.append_metrics({"step": 1, "rewards/accuracies": 0.75, "rewards/mean": 0.25})
    (row,) = map(json.loads, run.metrics_path.read_text("utf-8").splitlines())
    assert (row["accuracy"], row["reward"]) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a run folder"),
        ('{"train": {"steps": 3}}', "lacks 'model'"),
        ('{"model": {"name": "emoji"}}', "missing 3 required"),
        ('{"model": MODEL, "train": {"flavor": 1}}', "this Palate knows no setting flavor"),
        ('{"model": MODEL, "train": {"kappa": 1, "beta": 2}}', "beta is twice kappa"),
        ('{"model": MODEL, "train": []}', "cannot be used"),
    ],
)
def test_settings_that_this_release_does_not_know_are_refused_with_the_reason(
    tmp_path, config, words
):
    model = json.dumps(asdict(ModelInfo("emoji", "emoji", "sdxl-0", "embedded")))
    (tmp_path / "config.json").write_text(config.replace("MODEL", model), encoding="utf-8")
    with pytest.raises(BrokenRun, match=words):
        RunFolder(tmp_path).read_config()


def test_a_run_that_cannot_begin_for_its_settings_has_failed(tmp_path):
    (tmp_path / "config.json").write_text('{"train": {"steps": 3}}', encoding="utf-8")
    with pytest.raises(BrokenRun, match="Start a new run"):
        train_folder(tmp_path)
    status = RunFolder(tmp_path).status()
    assert status.state is RunState.FAILED and "'model'" in status.error


def test_settings_are_read_as_they_were_written(tmp_path):
    model = ModelInfo("emoji", "emoji", "sdxl-0", "embedded", aliases=("sdxl-1",))
    config = RunConfig(model, TrainConfig(steps=7), 2, "s0001", {"steps": 7})
    RunFolder(tmp_path).write_config(config)
    assert RunFolder(tmp_path).read_config() == config
