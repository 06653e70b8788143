"""What a run folder says of its trainer."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace

import psutil

from align.client.run_folder import RunFolder
from align.contracts.runs import RunStatus
from align.files import write_json


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
