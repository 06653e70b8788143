"""Training session of a run folder: it holds the lock and records how it ended."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from align.client.config import configure, holdout_count
from align.client.cpu_lock import CpuLock
from align.client.imports import without_collections
from align.client.objectives import OBJECTIVES
from align.client.planning.circumstances import Circumstances, rendering_of
from align.client.planning.costs import passes_of
from align.client.planning.plan import SMALL_LOAD_S, SMALL_PRESET, SMALL_START_S, START_S, plan
from align.client.planning.resolution import side_within
from align.client.planning.run_clock import RunClock, RunWork
from align.client.planning.run_timings import read_expected
from align.client.planning.speeds import PlanDevice
from align.client.planning.trackers import NO_TRACKER
from align.client.progress import OnStep, Reporter, ignore_step
from align.client.run_config import RunConfig
from align.client.run_folder import RunFolder
from align.contracts.models import ModelInfo
from align.contracts.run_files import FolderPlan, RunState, RunStatus
from align.data.rows import count_pairs, read_rows
from align.errors import (
    AlignError,
    BrokenRun,
    Cancelled,
    DiskFull,
    Paused,
    first_line,
    is_disk_full,
)

LOOP = "align.training.loop"
"""The module that imports torch."""
TRACKING = "align.training.tracking.tracked_steps"


def train_folder(
    path: Path,
    cpu_lock: CpuLock | None = None,
    cache: Path | None = None,
    on_step: OnStep = ignore_step,
) -> None:
    """Train the run in this folder, from its last checkpoint if it has one.

    `cache` holds what can be shared with other runs; without one, the folder has its own.
    Steps wait while another process holds `cpu_lock`. `on_step` is called with the metrics of each.
    The outcome is written to status.json; whatever goes wrong is raised as well.

    Raises:
        AlignError: the folder, its snapshot or its model cannot be used, or training diverged.
    """
    run = RunFolder(path)
    steps = steps_of(run)
    # Of the processes that accelerate starts, the first one locks the folder and reports.
    writes = os.environ.get("RANK", "0") == "0"
    with contextlib.ExitStack() as stack:
        if writes:
            # `with run.lock()` would acquire twice and release once: a call that was interrupted
            # could not be repeated in the same process.
            stack.callback(run.lock().release)
            # Of a process that was killed before it heeded it.
            run.clear_pause()
        if writes:
            on_step = tracked(stack, run, on_step)
        report = stack.enter_context(Reporter(run, steps, writes, on_step, clock_of(run, steps)))
        _train(run, report, cpu_lock or CpuLock(None), cache or run.cache)


def tracked(stack: contextlib.ExitStack, run: RunFolder, on_step: OnStep) -> OnStep:
    """Return what is called after each step: a tracker of the run's too, closed with the stack."""
    prepared = run.read_config()
    if prepared.train.tracker == NO_TRACKER:
        return on_step
    # It knows torch's writer, so it is imported where torch is imported anyway.
    steps = import_module(TRACKING).TrackedSteps(run.path, prepared, on_step)
    stack.callback(steps.close)
    told: OnStep = steps
    return told


def steps_of(run: RunFolder) -> int:
    """Return the steps of a run.

    Raises:
        BrokenRun: the folder has no usable config.json; where it has one, the status says so too.
    """
    try:
        return run.settled().get("steps", run.read_config().train.steps)
    except BrokenRun as error:
        if run.config_path.exists():
            run.write_status(RunStatus(RunState.FAILED, error=str(error)))
        raise


def clock_of(run: RunFolder, steps: int) -> RunClock:
    """Return what tells the time that is left of a run, by what is known before it starts."""
    try:
        prepared = run.read_config()
        config, size = prepared.train, (prepared.model.width, prepared.model.height)
        rows = read_rows(run.snapshot)
        pairs, _, own = count_pairs(rows, OBJECTIVES[config.objective].kinds)
    except AlignError:
        # The trainer says what is wrong with them.
        return RunClock(RunWork(steps))

    side = side_within(run.settled().get("resolution", config.resolution), size)
    held_out = holdout_count(pairs, config.holdout_fraction, own)
    rendering = rendering_of(prepared.model, prepared.look)
    passes = passes_of(config, pairs - held_out, held_out, side, rendering)
    small = prepared.model.preset == SMALL_PRESET
    expected = (SMALL_START_S, SMALL_LOAD_S) if small else (START_S, START_S)
    measured = read_expected(run.path)
    return RunClock(RunWork(steps, passes, config.num_processes, *expected, measured))


def plan_of_folder(path: Path) -> FolderPlan:
    """Plan the training of a run folder: objective, kappa, batch size, learning rate, minutes.

    Raises:
        AlignError: the folder is no run, or its votes cannot be learned from.
    """
    run = RunFolder(path)
    config = run.read_config()
    objective = OBJECTIVES[config.train.objective]
    taught, left_out, own = count_pairs(read_rows(run.snapshot), objective.kinds)
    known = Circumstances(_device_of(config), rendering_of(config.model, config.look))
    settled = run.settled()
    # What an earlier start settled is what a later one takes.
    side = settled.get("resolution", config.train.resolution)
    settings = asdict(config.train) | {"resolution": side}
    planned = plan(config.model.preset, taught, settings, known, settled.get("steps"), own)
    return {"model": config.model.name, **planned, "left_out": left_out}


def plan_of_pairs(model: ModelInfo, pairs: int, settings: str) -> FolderPlan:
    """Plan a run that has no folder yet, on so many pairs.

    Raises:
        InvalidSettings: a setting is unknown or out of range.
    """
    config = RunConfig(model, configure(model.preset, settings), threads=1)
    known = Circumstances(_device_of(config), rendering_of(model))
    planned = plan(model.preset, pairs, settings, known)
    return {"model": model.name, **planned, "left_out": {}}


def _device_of(config: RunConfig) -> PlanDevice:
    """Return the device that a run would train on; a small model's plan does not depend on it."""
    if config.model.preset == SMALL_PRESET:
        return PlanDevice()
    from align.training.budget.device import this_device  # noqa: PLC0415  imports torch

    return this_device(config.train.precision)


def _train(run: RunFolder, report: Reporter, cpu_lock: CpuLock, cache: Path) -> None:
    try:
        # Importing torch takes seconds, and by now somebody watches the status.
        with contextlib.nullcontext() if LOOP in sys.modules else without_collections():
            from align.training.loop import run_training  # noqa: PLC0415

        run_training(run, report, cpu_lock, cache)
    except Cancelled:
        report.cancelled()
    except Paused:
        report.paused()
    except KeyboardInterrupt:
        # In a notebook the process lives on, by which watchers tell that a run does.
        report.interrupted()
        raise
    except AlignError as error:
        report.failed(str(error))
        raise
    except Exception as error:
        if is_disk_full(error):
            sentence = f"The disk of {run.path} is full. Free some space on it and resume the run."
            report.failed(sentence)
            raise DiskFull(sentence) from error
        report.failed(f"The trainer stopped: {first_line(error)} See {run.log}.")
        raise
