"""Tell a process that hangs from one that is slow (no torch here).

Every few seconds the sampler says, from a thread of its own, how many steps it has made. Where it
makes none that can be counted, while it imports, reads or downloads a model, the system is asked
whether it computes, reads or writes. Time is what the app was awake for: a lid that was closed, or
an app that was stopped itself, accuses nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

LOADING, DRAWING, IDLE = "loading", "drawing", "idle"
CPU_S, IO_BYTES, WINDOW_S = 0.2, 65_536.0, 20.0
"""Less than so much in so long is what a process does that waits: beats, threads of libraries."""


@dataclass(frozen=True)
class Patience:
    """How long a sampler may do nothing that can be seen, and when it is tried again: seconds."""

    look_every: float = 2.0
    beat_every: float = 5.0
    silent: float = 30.0
    """Without a beat and without work."""
    still: float = 45.0
    """With beats, and without a step or work."""
    connecting: float = 180.0
    """The same while it loads a model of a hub: servers that do not answer are waited for."""
    warming: float = 180.0
    """The same for the first image on a device that computes by itself, and may compile first."""
    busy: float = 3600.0
    """At work all the time and without a step: a step of a large model on a small CPU is long."""
    slower: float = 10.0
    """On such a device a step may also take so many times the longest so far."""
    first_retry: float = 15.0
    longest_retry: float = 300.0


@dataclass(frozen=True)
class Beat:
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


class Vigil:
    """Watches one process; `look` is called regularly."""

    def __init__(self, patience: Patience, from_hub: bool) -> None:
        self._patience, self._from_hub = patience, from_hub
        self._beat = Beat()
        self._cpu, self._io = Meter(CPU_S), Meter(IO_BYTES)
        self._silent = self._still = self._busy = self._step = self._longest = 0.0
        self._drawn = False

    def look(self, beat: Beat, usage: Usage | None, on_cpu: bool, elapsed: float) -> str | None:
        """Return why the process is held to hang; None while it is not.

        `elapsed` is the time since the last look; more than two looks' worth was slept.
        """
        passed = min(elapsed, 2 * self._patience.look_every)
        computed, moved = self._used(usage, passed)
        told, stepped = beat.count != self._beat.count, self._stepped(beat, passed)
        self._beat = beat
        working = moved or (computed and (on_cpu or beat.phase == LOADING))
        self._silent = 0.0 if told else self._silent + passed * (not (moved or computed))
        self._still = 0.0 if stepped or working else self._still + passed
        self._busy = 0.0 if stepped or moved else self._busy + passed
        return self._verdict(beat, on_cpu, usage is not None and usage.stopped)

    def _verdict(self, beat: Beat, on_cpu: bool, stopped: bool) -> str | None:
        if self._silent >= self._patience.silent:
            outside = ", since something stopped it (SIGSTOP)" if stopped else ""
            return f"it has not answered for {self._silent:.0f} seconds{outside}"
        if self._still >= self._allowance(beat.phase, on_cpu):
            doing = "loading" if beat.phase == LOADING else "drawing"
            return f"{doing} has not moved for {self._still:.0f} seconds (a driver, disk or server)"
        if self._busy >= self._patience.busy:
            return f"it has worked for {self._busy / 60:.0f} minutes and come no step further"
        return None

    def _allowance(self, phase: str, on_cpu: bool) -> float:
        patience = self._patience
        if phase == LOADING:
            return patience.connecting if self._from_hub else patience.still
        if on_cpu:
            return patience.still
        least = patience.still if self._drawn else patience.warming
        return max(least, patience.slower * self._longest)

    def _used(self, usage: Usage | None, passed: float) -> tuple[bool, bool]:
        """Whether the process has computed, and whether it has read or written."""
        if usage is None:
            return False, False
        return (
            self._cpu.moved(usage.cpu_s, passed),
            self._io.moved(float(usage.io_bytes or 0), passed),
        )

    def _stepped(self, beat: Beat, passed: float) -> bool:
        """Whether there is nothing to do, or a step was made; keeps the longest step."""
        self._step += passed
        changed = beat.work != self._beat.work
        if beat.phase == IDLE or beat.phase != self._beat.phase:
            self._drawn = self._drawn or (self._beat.phase == DRAWING and beat.phase == IDLE)
            self._step = 0.0
            return True
        if changed and beat.phase == DRAWING:
            self._longest = max(self._longest, self._step)
        self._step = 0.0 if changed else self._step
        return changed
