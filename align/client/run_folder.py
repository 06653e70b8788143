"""Run folder: the contract between a trainer process and whoever watches it (no torch here).

config.json           model and settings                        in
snapshot/             the votes and images to learn from        in
loras/                LoRAs under the base                      in
cancel                present once somebody asked to stop       in
expected.json         what earlier runs measured of theirs      in
plan.json             settings that the device decided on       out
status.json           state, phase, step, pid, result           out
metrics.jsonl         one line a step                           out
timing.json           what it has measured of its own time      out
cache/                latents, embeddings, reference errors     out, unless shared
checkpoint/state.pt   what a resume needs                       out
adapter.safetensors   the LoRA, once the run is done            out
evaluation/           images of it and its base, and the checks out
samples.json          a few prompts at each stage, images of    out
samples/              which lie here                            out
log.txt               what the process printed                  out
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import psutil
from filelock import FileLock, Timeout

from align.client.run_config import (
    RunConfig,
    read_run_config,
    stored_look,
    stored_model,
    stored_settings,
    stored_snapshot_id,
    write_run_config,
)
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings
from align.contracts.run_files import (
    LEGACY_METRICS,
    LoggedStep,
    MetricsRow,
    RunState,
    RunStatus,
    SettledSettings,
)
from align.contracts.run_samples import SAMPLES_FILE
from align.errors import BrokenRun, RunLocked
from align.files import read_json, write_json

PAUSING = "pausing"
"""The phase of a run that has written its checkpoint, and whose process is about to end."""
PAUSING_S = 15.0
"""The longest that it should take to end."""
SILENT_S = 60.0
"""A trainer that has not written its status for longer is reported as silent."""


class RunFolder:
    """The files of one run, read and written."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.config_path = self.path / "config.json"
        self.plan_path = self.path / "plan.json"
        self.snapshot = self.path / "snapshot"
        self.adapter = self.path / "adapter.safetensors"
        self.start = self.path / "start.safetensors"
        self.loras = self.path / "loras"
        self.checkpoint = self.path / "checkpoint" / "state.pt"
        self.cache = self.path / "cache"
        self.metrics_path = self.path / "metrics.jsonl"
        self.evaluation = self.path / "evaluation"
        self.samples_path = self.path / SAMPLES_FILE
        self.log = self.path / "log.txt"

    def lock(self, wait_s: float = 10.0) -> FileLock:
        """Lock the folder for this process.

        A process that was just killed may hold its lock until its last thread is gone, so this
        waits up to `wait_s` seconds.

        Raises:
            RunLocked: another process trains here.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=wait_s)
        except Timeout:
            raise RunLocked(
                f"Another process trains in {self.path}. Wait for it or cancel it."
            ) from None
        return lock

    def read_config(self) -> RunConfig:
        """Read the model and the settings, as `prepare` wrote them.

        Raises:
            BrokenRun: the folder has no usable config.json.
        """
        return read_run_config(self.config_path)

    def stored_settings(self) -> dict[str, Any]:
        """Return the settings that config.json holds; an earlier release knew fewer of them."""
        return stored_settings(self.config_path)

    def stored_model(self) -> ModelInfo:
        """Return the model that config.json holds, whatever its settings are.

        Raises:
            BrokenRun: the folder has no usable model.
        """
        return stored_model(self.config_path)

    def stored_look(self) -> RenderSettings | None:
        """Return the look that config.json holds, None for the model's own.

        Raises:
            BrokenRun: the folder has no usable look.
        """
        return stored_look(self.config_path)

    def stored_snapshot_id(self) -> str | None:
        """Return the id of the snapshot that config.json names."""
        return stored_snapshot_id(self.config_path)

    def write_config(self, config: RunConfig) -> None:
        """Write the model and the settings."""
        write_run_config(self.config_path, config)

    def settled(self) -> SettledSettings:
        """Return what the trainer settled by its device; nothing before it first started.

        Raises:
            BrokenRun: plan.json is no JSON object.
        """
        try:
            settled = read_json(self.plan_path)
        except ValueError as error:
            raise BrokenRun(f"{self.plan_path} is not JSON: {error}. Start a new run.") from None
        if not isinstance(settled, dict | None):
            raise BrokenRun(f"{self.plan_path} holds no settings. Start a new run.")
        return cast(SettledSettings, settled or {})

    def settle(self, chosen: SettledSettings, anew: bool = False) -> None:
        """Keep what the trainer settles, unless it is settled already and not so `anew`."""
        settled = self.settled()
        write_json(self.plan_path, {**settled, **chosen} if anew else {**chosen, **settled})

    def stored_status(self) -> RunStatus:
        """Return the status as last written, whether or not its writer still lives."""
        value = read_json(self.path / "status.json")
        if not value:
            return RunStatus(RunState.QUEUED)
        return RunStatus(**value | {"state": RunState(value["state"])})

    def status(self) -> RunStatus:
        """Return the status now: a run whose process is gone is interrupted.

        One that pauses counts as running until its process is gone, which holds the device.
        """
        status = self._with_request(self.stored_status())
        if status.state == RunState.PAUSED and process_lives(status.pid, status.pid_started):
            # In a notebook the process lives on, and has left what it trained with.
            if status.pid == os.getpid():
                return status
            return told_if_silent(replace(status, state=RunState.RUNNING, phase=PAUSING))
        if status.state != RunState.RUNNING:
            return status
        if process_lives(status.pid, status.pid_started):
            return told_if_silent(status)
        # The trainer may have ended between the two reads above.
        status = self.stored_status()
        ended = status.state != RunState.RUNNING
        return status if ended else replace(status, state=RunState.INTERRUPTED)

    def _with_request(self, status: RunStatus) -> RunStatus:
        """Return a status that says whether the run was asked to stop and has not done so yet."""
        asked = status.state in (RunState.RUNNING, RunState.PAUSED) and self.cancel_requested
        return replace(status, cancelling=True) if asked else status

    def write_status(self, status: RunStatus) -> None:
        """Replace the status, stamped with the time."""
        write_json(self.path / "status.json", asdict(replace(status, updated=time.time())))

    def overwrite_status(self, status: RunStatus) -> None:
        """Overwrite the status in place: on a full disk a second file would not fit."""
        text = json.dumps(asdict(replace(status, updated=time.time()))).encode()
        with (self.path / "status.json").open("r+b") as file:
            file.write(text)
            file.truncate()

    def append_metrics(self, row: LoggedStep) -> None:
        """Append the metrics of one step."""
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(under_both_names(row)) + "\n")

    def metrics(self, since: int = 0) -> list[MetricsRow]:
        """Return rows of steps after `since`, without a line that is still being written."""
        if not self.metrics_path.exists():
            return []
        lines = self.metrics_path.read_text(encoding="utf-8").split("\n")[:-1]
        return [under_both_names(row) for row in map(json.loads, lines) if row["step"] > since]

    def forget_metrics_after(self, step: int) -> None:
        """Drop rows that an interrupted process logged after its last checkpoint."""
        rows = [row for row in self.metrics() if row["step"] <= step]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        scratch = self.metrics_path.with_suffix(".tmp")
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, self.metrics_path)

    @property
    def cancel_requested(self) -> bool:
        """Return whether somebody asked the run to stop."""
        return (self.path / "cancel").exists()

    def request_cancel(self) -> None:
        """Ask the run to stop at its next step."""
        (self.path / "cancel").touch()

    def clear_cancel(self) -> None:
        """Withdraw the request to stop, before a resume."""
        (self.path / "cancel").unlink(missing_ok=True)

    @property
    def pause_requested(self) -> bool:
        """Return whether the run is asked to leave the device to others."""
        return (self.path / "pause").exists()

    def request_pause(self) -> None:
        """Ask the run to end its process at its next step, with a checkpoint to go on from."""
        (self.path / "pause").touch()

    def clear_pause(self) -> None:
        """Withdraw the request to pause."""
        (self.path / "pause").unlink(missing_ok=True)

    def withdraw_pause(self) -> RunStatus:
        """Withdraw the request to pause; return the status once it is clear what came of it.

        A process that has written its checkpoint for the pause is waited for until it is gone.
        """
        self.clear_pause()
        until = time.monotonic() + PAUSING_S
        while (status := self.status()).phase == PAUSING and time.monotonic() < until:
            time.sleep(0.1)
        return status


def told_if_silent(status: RunStatus) -> RunStatus:
    """Return the status of a process that lives, with how long it was silent if that is long.

    It writes its status every two seconds, whatever it is busy with, and ends soon after a pause.
    """
    silent = time.time() - status.updated
    return replace(status, silent_s=silent, eta_s=None) if silent > SILENT_S else status


def under_both_names(row: Any) -> MetricsRow:
    """Return a row of metrics under their present and their former names, whichever it has."""
    present = {name: row[legacy] for legacy, name in LEGACY_METRICS.items() if legacy in row}
    former = {legacy: row[name] for legacy, name in LEGACY_METRICS.items() if name in row}
    whole: MetricsRow = row | present | former
    if "rewards/chosen" in whole and "rewards/margins" not in whole:
        whole["rewards/margins"] = whole["rewards/chosen"] - whole["rewards/rejected"]
    return whole


def process_lives(pid: int | None, started: float | None) -> bool:
    """Return whether the process of this id and start time still runs (ids are used again)."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        # The clock of start times may be corrected while the process runs.
        same = started is None or abs(process.create_time() - started) < 2.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
