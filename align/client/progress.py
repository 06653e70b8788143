"""Progress of a run for its watchers: status.json, and one line of metrics for each step."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import psutil

from align.client.planning.costs import Passes
from align.client.planning.recent_pace import TimedStep
from align.client.planning.run_clock import RunClock, RunWork
from align.client.planning.run_timings import write_timing
from align.client.run_folder import RunFolder
from align.contracts.run_files import (
    LoggedStep,
    MeasuredPace,
    RunResult,
    RunState,
    RunStatus,
    StepMetrics,
)

PREPARATION = 0.1
"""Share of the progress bar for everything before the first step."""
STATUS_S = 1.0
"""Between two writes of the status: steps may take milliseconds."""
HEARTBEAT_S = 2.0
"""Far below `SILENT_S`, after which a run counts as silent."""
OnStep: TypeAlias = Callable[[LoggedStep], None]


def ignore_step(metrics: LoggedStep) -> None:
    """Report a step to nobody."""


class Reporter:
    """Writes the status of one run; in the helper processes of a run it writes nothing.

    Inside its `with` block the status is renewed every two seconds, whatever the run is busy with.
    """

    def __init__(
        self,
        run: RunFolder,
        steps: int,
        writes: bool = True,
        on_step: OnStep = ignore_step,
        clock: RunClock | None = None,
    ) -> None:
        """`on_step` is called with the metrics of every step, after they are written."""
        self._run = run
        self.clock = clock or RunClock(RunWork(steps))
        """Tells the time that is left; whoever does something else than a step tells it."""
        self._writes = writes
        self._on_step = on_step
        self._written = 0.0
        self._first: tuple[int, float] | None = None
        process = psutil.Process(os.getpid())
        # A resumed run starts where it was interrupted, not at zero.
        before = run.stored_status()
        self._status = RunStatus(
            RunState.RUNNING,
            "starting",
            step=before.step,
            steps=steps,
            progress=before.progress,
            pid=process.pid,
            pid_started=process.create_time(),
        )

        # The heartbeat writes the same file.
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._write()

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            # A full disk ends the run where it trains, with a sentence, not here.
            with contextlib.suppress(OSError):
                self._write()

    def _write(self) -> None:
        if self._writes:
            with self._writing:
                under_way = self._status.state == RunState.RUNNING
                left = self.clock.left() if under_way else self._status.eta_s
                self._run.write_status(replace(self._status, eta_s=left))
                self._written = time.monotonic()

    def _write_timing(self) -> None:
        if self._writes and (timing := self.clock.timing()):
            write_timing(self._run.path, timing)

    def set_steps(self, steps: int) -> None:
        """Report how many steps the run has, as far as that is known by now."""
        self.clock.set_steps(steps)
        self._status = replace(self._status, steps=steps)

    def trains(self, step: int, steps: int, passes: Passes, device: MeasuredPace) -> None:
        """Report that the run is prepared and goes on after `step`, and what it is made of."""
        self.set_steps(steps)
        self.clock.trains(step, passes, device)

    def phase(self, phase: str, share: float) -> None:
        """Report what is being prepared, with the share of the preparation that is done."""
        progress = max(self._status.progress, PREPARATION * share)
        self._status = replace(self._status, phase=phase, progress=progress)
        self._write()

    def encoding(self, done: int, of: int) -> None:
        """Report how many images are encoded before the first step."""
        self.clock.encodes(done, of)
        self.phase(f"encoding images, {done} of {of}", 0.4 + 0.5 * done / of)

    def checking(self, what: str, share: float) -> None:
        """Report how far the release checks are, which follow the last step."""
        self.clock.checks(share)
        self.phase(f"checking the new version: {what}", 1.0)

    def step(
        self, step: int, metrics: StepMetrics, pairs: int, timed: TimedStep | None = None
    ) -> None:
        """Log a finished step that saw `pairs` pairs; `timed` is what it took by itself."""
        now = time.monotonic()
        first_step, since = self._first = self._first or (step, now)
        seconds = (now - since) / (step - first_step) if step > first_step else None
        self.clock.stepped(step, timed)
        eta = self.clock.left() if seconds else None
        share = step / self._status.steps
        self._status = replace(
            self._status,
            phase="training",
            step=step,
            # Not quite 1 after the last step: checks follow.
            progress=PREPARATION + (1 - PREPARATION) * share * 0.99,
        )

        if not self._writes:
            return
        speed = pairs / seconds if seconds else None
        row: LoggedStep = {"step": step, **metrics, "pairs_per_s": speed, "eta_s": eta}
        self._run.append_metrics(row)
        self._on_step(row)
        if now - self._written >= STATUS_S:
            self._write()
            self._write_timing()

    def done(self, result: RunResult) -> None:
        """Report that the run is done and its adapter is written."""
        self._end(RunState.DONE, progress=1.0, result=result)

    def failed(self, error: str) -> None:
        """Report that the run cannot go on; `error` says why in a sentence."""
        self._end(RunState.FAILED, error=error)

    def cancelled(self) -> None:
        """Report that the run has stopped because somebody asked for it."""
        self._end(RunState.CANCELLED)

    def paused(self) -> None:
        """Report that the process ends to leave the device to others; the time left stays told."""
        self._end(RunState.PAUSED, eta_s=self.clock.left())

    def interrupted(self) -> None:
        """Report that the process was interrupted; the run can go on from its checkpoint."""
        self._end(RunState.INTERRUPTED)

    def _end(self, state: RunState, **changes: Any) -> None:
        if state == RunState.DONE:
            self.clock.ends()
        ended: dict[str, Any] = {"state": state, "phase": "", "eta_s": None}
        self._status = replace(self._status, **ended | changes)
        try:
            self._write()
            self._write_timing()
        except OSError:
            # On a full disk the old file's own blocks are all there is.
            self._run.overwrite_status(self._status)
