"""Watchdog: tells a sampler that hangs from one that is slow (no torch here).

The sampler sends a heartbeat with its step count every few seconds, from a thread of its own. Where
no steps can be counted, while it imports, reads or downloads a model, its CPU time and I/O count
instead. Only time in which the app was awake counts: a closed lid, or an app that was stopped
itself, makes no sampler look hung.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

LOADING, RENDERING, IDLE = "loading", "rendering", "idle"
BUSY_CPU_S, BUSY_IO_BYTES, WINDOW_S = 0.2, 65_536.0, 20.0
"""A process at work uses at least so much within the window; heartbeats and idle threads of
libraries use less."""


@dataclass(frozen=True)
class Timeouts:
    """Timeouts of the watchdog, and intervals of the retries after a failure, in seconds."""

    check_interval_s: float = 2.0
    heartbeat_interval_s: float = 5.0
    silence_s: float = 30.0
    """Neither a heartbeat nor any work."""
    stall_s: float = 45.0
    """Heartbeats, but neither a step nor any work."""
    connect_s: float = 180.0
    """As `stall_s`, while a model of a hub is loaded: servers get time to answer."""
    first_image_s: float = 180.0
    """As `stall_s`, for the first image on a GPU, whose kernels may be compiled first."""
    no_step_s: float = 3600.0
    """Work without a step: one step of a large model on a small CPU takes long."""
    slow_step_factor: float = 10.0
    """On a GPU a step may also take so many times the longest one so far."""
    first_retry_s: float = 15.0
    longest_retry_s: float = 300.0

    def pause_after(self, failures: int) -> float:
        """Return the seconds until a retry, which grow with the failures in a row."""
        return min(self.longest_retry_s, self.first_retry_s * 2.0 ** min(10, failures - 1))


@dataclass(frozen=True)
class Heartbeat:
    """The last heartbeat of the sampler."""

    count: int = 0
    phase: str = LOADING
    work: int = 0
    """Number of steps made plus bytes downloaded; only a change of it matters."""


@dataclass(frozen=True)
class Usage:
    """Resources that a process has used so far, by the operating system."""

    cpu_s: float
    io_bytes: int | None
    """None where the system does not tell."""
    stopped: bool = False
    """Stopped by a signal, such as SIGSTOP."""


def usage_of(pid: int) -> Usage | None:
    """Return the resources that a process has used so far; None once it is gone."""
    try:
        process = psutil.Process(pid)
        times, stopped = process.cpu_times(), process.status() == psutil.STATUS_STOPPED
        return Usage(times.user + times.system, _io_bytes(process), stopped)
    except psutil.Error:
        return None


def _io_bytes(process: psutil.Process) -> int | None:
    try:
        counters = process.io_counters()
    except (psutil.Error, AttributeError):
        # macOS has none.
        return None
    return sum(getattr(counters, name, 0) for name in ("read_bytes", "write_bytes", "write_chars"))


class ActivityMeter:
    """Tells whether a growing count grew by at least `minimum` within the window."""

    def __init__(self, minimum: float) -> None:
        self._minimum, self._mark, self._since = minimum, 0.0, 0.0

    def grew(self, count: float, passed: float) -> bool:
        """Update the count, `passed` seconds after the last update."""
        self._since += passed
        grew = count - self._mark >= self._minimum
        if grew or self._since >= WINDOW_S:
            self._mark, self._since = count, 0.0
        return grew


class Watchdog:
    """Watches one process; `check` is called regularly."""

    def __init__(self, timeouts: Timeouts, from_hub: bool) -> None:
        self._timeouts, self._from_hub = timeouts, from_hub
        self._heartbeat = Heartbeat()
        self._cpu, self._io = ActivityMeter(BUSY_CPU_S), ActivityMeter(BUSY_IO_BYTES)
        self._silent_s = self._stalled_s = self._no_step_s = 0.0
        self._step_s = self._longest_step_s = 0.0
        self._rendered = False

    def check(
        self, heartbeat: Heartbeat, usage: Usage | None, on_cpu: bool, elapsed: float
    ) -> str | None:
        """Return the reason why the process counts as hung; None while it does not.

        `elapsed` is the time since the last check in seconds, of which the computer was asleep for
        all but two check intervals.
        """
        passed = min(elapsed, 2 * self._timeouts.check_interval_s)
        computed, did_io = self._used(usage, passed)
        answered = heartbeat.count != self._heartbeat.count
        stepped = self._stepped(heartbeat, passed)
        self._heartbeat = heartbeat

        # A GPU driver that hangs spins on the CPU: while rendering there, CPU time proves nothing.
        working = did_io or (computed and (on_cpu or heartbeat.phase == LOADING))
        self._silent_s = 0.0 if answered else self._silent_s + passed * (not (did_io or computed))
        self._stalled_s = 0.0 if stepped or working else self._stalled_s + passed
        self._no_step_s = 0.0 if stepped or did_io else self._no_step_s + passed
        return self._hang_reason(heartbeat, on_cpu, usage is not None and usage.stopped)

    def _hang_reason(self, heartbeat: Heartbeat, on_cpu: bool, stopped: bool) -> str | None:
        if self._silent_s >= self._timeouts.silence_s:
            outside = ", since something stopped it (SIGSTOP)" if stopped else ""
            return f"it has not answered for {self._silent_s:.0f} seconds{outside}"
        if self._stalled_s >= self._stall_limit(heartbeat.phase, on_cpu):
            doing = "loading" if heartbeat.phase == LOADING else "rendering"
            stalled = f"{doing} has not moved for {self._stalled_s:.0f} seconds"
            return f"{stalled} (a driver, disk or server)"
        if self._no_step_s >= self._timeouts.no_step_s:
            return f"it has worked for {self._no_step_s / 60:.0f} minutes and come no step further"
        return None

    def _stall_limit(self, phase: str, on_cpu: bool) -> float:
        timeouts = self._timeouts
        if phase == LOADING:
            return timeouts.connect_s if self._from_hub else timeouts.stall_s
        if on_cpu:
            return timeouts.stall_s
        least = timeouts.stall_s if self._rendered else timeouts.first_image_s
        return max(least, timeouts.slow_step_factor * self._longest_step_s)

    def _used(self, usage: Usage | None, passed: float) -> tuple[bool, bool]:
        """Return whether the process has computed, and whether it has read or written."""
        if usage is None:
            return False, False
        return (
            self._cpu.grew(usage.cpu_s, passed),
            self._io.grew(float(usage.io_bytes or 0), passed),
        )

    def _stepped(self, heartbeat: Heartbeat, passed: float) -> bool:
        """Return whether a step was made or there is nothing to do; note the longest step."""
        self._step_s += passed
        changed = heartbeat.work != self._heartbeat.work
        if heartbeat.phase == IDLE or heartbeat.phase != self._heartbeat.phase:
            self._rendered = self._rendered or (
                self._heartbeat.phase == RENDERING and heartbeat.phase == IDLE
            )
            self._step_s = 0.0
            return True

        if changed and heartbeat.phase == RENDERING:
            self._longest_step_s = max(self._longest_step_s, self._step_s)
        self._step_s = 0.0 if changed else self._step_s
        return changed
