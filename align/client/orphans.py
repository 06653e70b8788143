"""Processes of an app that was killed while they could not end by themselves (no torch here).

A sampler ends when its pipe closes, but not while it is stopped or hangs; then it would keep the
device's memory from the next one.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from align.client.run_folder import process_lives
from align.files import read_json, write_json


def record_process(file: Path, pid: int) -> None:
    """Note in `file` which process runs for the app."""
    with contextlib.suppress(psutil.Error, OSError):
        write_json(file, {"pid": pid, "started": psutil.Process(pid).create_time()})


def end_orphan(file: Path) -> bool:
    """End the process that an earlier app noted, if it is still there; returns whether it was."""
    try:
        noted = read_json(file) or {}
        pid, started = int(noted["pid"]), float(noted["started"])
        if not process_lives(pid, started):
            return False
        psutil.Process(pid).kill()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, psutil.Error):
        return False
    return True
