"""What a run folder says of its trainer."""

from __future__ import annotations

import os
from dataclasses import replace

import psutil

from align.client.run_folder import RunFolder, RunStatus
from align.files import write_json


def stored(run: RunFolder, status: RunStatus, updated: float) -> RunStatus:
    """Status as it is read after its trainer wrote it at that time."""
    run.write_status(status)
    written = run.stored_status()
    write_json(run.path / "status.json", vars(replace(written, updated=updated)))
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
    old = {name: value for name, value in vars(RunStatus("done")).items() if name != "silent_s"}
    write_json(tmp_path / "status.json", old)
    assert run.status() == RunStatus("done")
