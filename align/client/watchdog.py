"""Tell a process that hangs from one that is slow (no torch here).

Every few seconds the sampler says, from a thread of its own, how many steps it has made. Where it
makes none that can be counted, while it imports, reads or downloads a model, the system is asked
whether it computes, reads or writes. Time is what the app was awake for: a lid that was closed, or
an app that was stopped itself, accuses nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

LOADING, RENDERING, IDLE = "loading", "rendering", "idle"
CPU_S, IO_BYTES, WINDOW_S = 0.2, 65_536.0, 20.0
"""Less than so much in so long is what a process does that waits: heartbeats and library
threads."""


@dataclass(frozen=True)
class Timeouts:
    """How long a sampler may do nothing that can be seen, and when it is tried again: seconds."""

    check_interval_s: float = 2.0
    heartbeat_interval_s: float = 5.0
    silence_s: float = 30.0
    """Without a heartbeat and without work."""
    stall_s: float = 45.0
    """With heartbeats, and without a step or work."""
    connect_s: float = 180.0
    """The same while it loads a model of a hub: servers that do not answer are waited for."""
    first_image_s: float = 180.0
    """The same for the first image on a device that computes by itself, and may compile first."""
    no_step_s: float = 3600.0
    """At work all the time and without a step: a step of a large model on a small CPU is long."""
    slow_step_factor: float = 10.0
    """On such a device a step may also take so many times the longest so far."""
    first_retry_s: float = 15.0
    longest_retry_s: float = 300.0


@dataclass(frozen=True)
class Heartbeat:
    """What the sampler said last."""

    count: int = 0
    phase: str = LOADING
    work: int = 0
    """Steps made, and bytes downloaded."""


@dataclass(frozen=True)
class Usage:
    """What the system says a process has used; None where it does not tell."""

    cpu_s: float
    io_bytes: int | None
    stopped: bool = False


def usage_of(pid: int) -> Usage | None:
    """Ask the system what a process has used so far; None once it is gone."""
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


class Meter:
    """Tells from a count that only grows whether it grew by so much within the window."""

    def __init__(self, least: float) -> None:
        self._least, self._mark, self._since = least, 0.0, 0.0

    def moved(self, count: float, passed: float) -> bool:
        """Look at the count, `passed` seconds after the last look."""
        self._since += passed
        moved = count - self._mark >= self._least
        if moved or self._since >= WINDOW_S:
            self._mark, self._since = count, 0.0
        return moved


class Watchdog:
    """Watches one process; `look` is called regularly."""

    def __init__(self, timeouts: Timeouts, from_hub: bool) -> None:
        self._timeouts, self._from_hub = timeouts, from_hub
        self._heartbeat = Heartbeat()
        self._cpu, self._io = Meter(CPU_S), Meter(IO_BYTES)
        self._silent = self._still = self._busy = self._step = self._longest = 0.0
        self._drawn = False

    def look(
        self, heartbeat: Heartbeat, usage: Usage | None, on_cpu: bool, elapsed: float
    ) -> str | None:
        """Return why the process is held to hang; None while it is not.

        `elapsed` is the time since the last look; more than two looks' worth was slept.
        """
        passed = min(elapsed, 2 * self._timeouts.check_interval_s)
        computed, moved = self._used(usage, passed)
        told, stepped = heartbeat.count != self._heartbeat.count, self._stepped(heartbeat, passed)
        self._heartbeat = heartbeat
        working = moved or (computed and (on_cpu or heartbeat.phase == LOADING))
        self._silent = 0.0 if told else self._silent + passed * (not (moved or computed))
        self._still = 0.0 if stepped or working else self._still + passed
        self._busy = 0.0 if stepped or moved else self._busy + passed
        return self._verdict(heartbeat, on_cpu, usage is not None and usage.stopped)

    def _verdict(self, heartbeat: Heartbeat, on_cpu: bool, stopped: bool) -> str | None:
        if self._silent >= self._timeouts.silence_s:
            outside = ", since something stopped it (SIGSTOP)" if stopped else ""
            return f"it has not answered for {self._silent:.0f} seconds{outside}"
        if self._still >= self._allowance(heartbeat.phase, on_cpu):
            doing = "loading" if heartbeat.phase == LOADING else "rendering"
            return f"{doing} has not moved for {self._still:.0f} seconds (a driver, disk or server)"
        if self._busy >= self._timeouts.no_step_s:
            return f"it has worked for {self._busy / 60:.0f} minutes and come no step further"
        return None

    def _allowance(self, phase: str, on_cpu: bool) -> float:
        timeouts = self._timeouts
        if phase == LOADING:
            return timeouts.connect_s if self._from_hub else timeouts.stall_s
        if on_cpu:
            return timeouts.stall_s
        least = timeouts.stall_s if self._drawn else timeouts.first_image_s
        return max(least, timeouts.slow_step_factor * self._longest)

    def _used(self, usage: Usage | None, passed: float) -> tuple[bool, bool]:
        """Whether the process has computed, and whether it has read or written."""
        if usage is None:
            return False, False
        return (
            self._cpu.moved(usage.cpu_s, passed),
            self._io.moved(float(usage.io_bytes or 0), passed),
        )

    def _stepped(self, heartbeat: Heartbeat, passed: float) -> bool:
        """Whether there is nothing to do, or a step was made; keeps the longest step."""
        self._step += passed
        changed = heartbeat.work != self._heartbeat.work
        if heartbeat.phase == IDLE or heartbeat.phase != self._heartbeat.phase:
            self._drawn = self._drawn or (
                self._heartbeat.phase == RENDERING and heartbeat.phase == IDLE
            )
            self._step = 0.0
            return True
        if changed and heartbeat.phase == RENDERING:
            self._longest = max(self._longest, self._step)
        self._step = 0.0 if changed else self._step
        return changed
