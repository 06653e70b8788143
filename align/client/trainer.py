"""Trainer processes: started, watched and stopped by an app that never imports torch."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import psutil

from align.client.config import configure, parse_settings
from align.client.devices.chosen_devices import TrainingDevices
from align.client.devices.sharing import takes_turns
from align.client.planning.circumstances import Circumstances, card_of_runs, device_of, rendering_of
from align.client.planning.plan import REQUIREMENTS, at_planned_side, expected_of, plan
from align.client.planning.run_timings import read_timing, write_expected
from align.client.planning.setting_fields import setting_fields
from align.client.run_config import RunConfig, with_own_loras
from align.client.run_folder import RunFolder, process_lives
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings, SamplerState
from align.contracts.run_files import MeasuredPace, MetricsRow, RunPlan, RunState, RunStatus
from align.contracts.run_samples import SamplePrompt
from align.contracts.run_settings import RunSettingFields
from align.contracts.run_timing import RunTiming
from align.contracts.snapshot_files import MANIFEST
from align.errors import InvalidSettings, SnapshotError
from align.files import link, link_tree, read_json

CHECKOUT = Path(__file__).resolve().parents[2]


class ProcessOptions(TypedDict, total=False):
    """Arguments of Popen that one platform or another needs."""

    creationflags: int
    """On Windows."""
    start_new_session: bool
    """Elsewhere."""


def process_options(low_priority: bool) -> ProcessOptions:
    """Return Popen options for a child in a process group of its own, which may outlive the app."""
    # Ctrl+C in the app's terminal would otherwise reach its children, too.
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        below_normal = subprocess.BELOW_NORMAL_PRIORITY_CLASS if low_priority else 0
        return {"creationflags": flags | below_normal}
    return {"start_new_session": True}


def python_environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a child that must find `align` from any working directory.

    `added` are more variables, such as those that show it some devices alone.
    """
    paths = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in paths if p),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        # Long spinning at barriers makes two processes on two cores seven times slower (measured),
        # none at all makes one alone 40 % slower.
        "GOMP_SPINCOUNT": "3000",
        "TOKENIZERS_PARALLELISM": "false",
        **(added or {}),
    }


def usable_cores() -> int:
    """Return the number of physical cores to compute on.

    A container or `taskset` may allow this process fewer than there are, and OMP_NUM_THREADS limits
    programs that share a machine.
    """
    cores = psutil.cpu_count(logical=False) or 1
    if sys.platform not in ("darwin", "win32"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) else cores


def lower_priority() -> None:
    """Lower this process's priority, so that a person at this machine notices nothing."""
    if hasattr(os, "nice"):
        os.nice(5)


class TrainerProcess:
    """Starts one trainer process per run folder and reads the files that it writes."""

    def __init__(
        self,
        python: str = sys.executable,
        cpu_lock: Path | None = None,
        cache: Path | None = None,
        devices: TrainingDevices | None = None,
    ) -> None:
        self._python, self._devices = python, devices or TrainingDevices()
        self._cache, self._cpu_lock = cache, cpu_lock

    def plan(
        self,
        model: ModelInfo,
        pairs: int,
        settings: dict[str, Any] | str,
        pairs_per_s: float | None = None,
        sampler: SamplerState | None = None,
        paces: Sequence[MeasuredPace] = (),
        own: int | None = None,
    ) -> RunPlan:
        """Plan a run on so many pairs, `own` of them not from files. Raises InvalidSettings."""
        self._devices.check(configure(model.preset, settings).num_processes)
        known = replace(self._known(model, sampler), pairs_per_s=pairs_per_s, paces=paces)
        return plan(model.preset, pairs, settings, known, own=own)

    def setting_fields(self, model: ModelInfo) -> RunSettingFields:
        """Return the settings of a run on this model, with their defaults and what they mean."""
        return setting_fields(model.preset)

    def _known(self, model: ModelInfo, sampler: SamplerState | None) -> Circumstances:
        """Return what is known of a run before it starts."""
        # Of cards that train apart the sampler says nothing.
        if self._devices.apart:
            return Circumstances(card_of_runs(self._devices), rendering_of(model))
        return Circumstances(device_of(sampler, usable_cores()), rendering_of(model))

    def has_own_device(self) -> bool:
        """Return whether runs have a card that the image model does not use."""
        return self._devices.apart

    def needs_sampler_stopped(self, model: ModelInfo, sampler: SamplerState) -> bool:
        """Return whether trainer and sampler do not fit on the sampler's device together."""
        needed, available = REQUIREMENTS[model.preset].memory, psutil.virtual_memory().available
        return takes_turns(sampler, model, needed, available, self._devices.apart)

    def prepare(
        self,
        run_dir: Path,
        snapshot: Path,
        model: ModelInfo,
        settings: dict[str, Any] | str,
        start: Path | None = None,
        look: RenderSettings | None = None,
        sampler: SamplerState | None = None,
        samples: Sequence[SamplePrompt] = (),
        paces: Sequence[MeasuredPace] = (),
    ) -> None:
        """Fill a run folder with everything a trainer needs; `start` is an adapter to go on from.

        `look` stands in place of the model's own settings, and where no setting decides on pixels,
        the device of `sampler` does. It renders `samples`, and `paces` are those of earlier runs.

        Raises:
            InvalidSettings: a setting that cannot be used, or a start without its adapter.
            SnapshotError: `snapshot` is not a snapshot folder.
        """
        known = replace(self._known(model, sampler), paces=paces)
        config = at_planned_side(configure(model.preset, settings), known)
        self._devices.check(config.num_processes)
        if config.init_from != "base" and start is None:
            raise InvalidSettings(f"The adapter of {config.init_from} is needed to go on from it.")
        if look is not None and look.loras and config.adapter != "lora":
            raise InvalidSettings(
                f"With LoRAs under the base only the adapter lora can be trained, not "
                f"{config.adapter}: its weights would hold theirs. Take the LoRAs out of the look, "
                "or set adapter to lora."
            )
        manifest = read_json(snapshot / MANIFEST)
        if manifest is None:
            raise SnapshotError(f"{snapshot} is not a snapshot: it has no {MANIFEST}.")

        run_dir.mkdir(parents=True, exist_ok=True)
        run = RunFolder(run_dir)
        link_tree(snapshot, run.snapshot)
        if start is not None:
            link(start, run.start)

        run.write_config(
            RunConfig(
                model,
                config,
                usable_cores(),
                manifest.get("snapshot_id"),
                parse_settings(settings),
                None if look is None else with_own_loras(look, run.loras),
                samples,
            )
        )
        write_expected(run.path, expected_of(model.preset, config, known))
        run.write_status(RunStatus(RunState.QUEUED, steps=config.steps))

    def start(self, run_dir: Path) -> None:
        """Start the trainer, or resume it from its last checkpoint; returns at once."""
        run = RunFolder(run_dir)
        if self.is_alive(run_dir):
            return
        run.clear_cancel()
        run.clear_pause()
        with run.log.open("ab") as log:
            child = subprocess.Popen(
                self._command(run),
                cwd=run_dir,
                env=python_environment(self._devices.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **process_options(low_priority=True),
            )

        # Without a thread that waits for it, a trainer that ended would linger as a zombie.
        threading.Thread(target=child.wait, name="reaper", daemon=True).start()
        self._announce(run, child.pid)

    def _command(self, run: RunFolder) -> list[str]:
        processes = run.read_config().train.num_processes
        arguments = ["-m", "align", "train", str(run.path.resolve())]
        if self._cpu_lock is not None:
            arguments += ["--cpu-lock", str(self._cpu_lock.resolve())]
        if self._cache is not None:
            arguments += ["--cache", str(self._cache.resolve())]
        if processes == 1:
            return [self._python, *arguments]
        launcher = ["-m", "accelerate.commands.launch", "--num_processes", str(processes)]
        flags = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        return [self._python, *launcher, *flags, *arguments]

    def _announce(self, run: RunFolder, pid: int) -> None:
        """Write a "starting" status until the child writes its own, once it has imported torch."""
        status = run.stored_status()
        if status.pid == pid:
            return
        try:
            started = psutil.Process(pid).create_time()
        except psutil.Error:
            started = time.time()

        begun = replace(status, state=RunState.RUNNING, phase="starting", error=None)
        run.write_status(replace(begun, pid=pid, pid_started=started))

    def status(self, run_dir: Path) -> RunStatus:
        """Return the status of a run; one whose process is gone is interrupted."""
        return RunFolder(run_dir).status()

    def is_alive(self, run_dir: Path) -> bool:
        """Return whether a trainer works in this folder, whoever started it."""
        return RunFolder(run_dir).status().state == RunState.RUNNING

    def metrics(self, run_dir: Path, since: int = 0) -> list[MetricsRow]:
        """Return the metrics of the steps after `since`."""
        return RunFolder(run_dir).metrics(since)

    def settings(self, run_dir: Path) -> dict[str, Any]:
        """Return all settings that a run trains with; those that it leaves to the device, as 0."""
        return RunFolder(run_dir).stored_settings()

    def timing(self, run_dir: Path) -> RunTiming | None:
        """Return what a run has measured of its own time; None before its second step."""
        return read_timing(run_dir)

    def adapter(self, run_dir: Path) -> Path:
        """Return the path of a finished run's adapter."""
        return RunFolder(run_dir).adapter

    def cancel(self, run_dir: Path) -> None:
        """Ask the run to stop; it keeps its last checkpoint."""
        run = RunFolder(run_dir)
        run.request_cancel()
        if not self.is_alive(run_dir):
            status = run.stored_status()
            if status.state in (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED):
                run.write_status(replace(status, state=RunState.CANCELLED, phase="", eta_s=None))

    def pause(self, run_dir: Path) -> None:
        """Ask the trainer to end at its next step, with a checkpoint that `start` goes on from."""
        RunFolder(run_dir).request_pause()

    def go_on(self, run_dir: Path) -> None:
        """Withdraw a pause: start a run again that is paused, leave any other one alone."""
        if RunFolder(run_dir).withdraw_pause().state == RunState.PAUSED:
            self.start(run_dir)

    def kill(self, run_dir: Path) -> None:
        """Kill the trainer and its children now, for a run that does not heed `cancel`."""
        status = RunFolder(run_dir).stored_status()
        if not process_lives(status.pid, status.pid_started):
            return
        parent = psutil.Process(status.pid)
        for process in [*parent.children(recursive=True), parent]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
