"""Pace of the steps of the last while, in seconds of a forward pass."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

WINDOW_S = 30.0
"""The pace follows another load of the machine within so many seconds."""
MIN_STEPS = 6
"""Slow steps, of which fewer lie within the window, are looked at all the same."""
MEMORY_S, STEADY = 90.0, 0.4
"""How far back the steadier part of the pace reaches, and its weight. A load that comes and goes
moves it less; within the window it still follows one that stays."""
EVERY_S = 0.5
"""Between two measurements: a fast card takes hundreds of steps meanwhile."""
STALL = 4.0
"""A step counts as at most so many times the median one: a machine that slept says nothing of the
steps to come."""


@dataclass(frozen=True)
class TimedStep:
    """An optimizer step that was measured."""

    seconds: float
    """Without what the step waited for, and without what came after it."""
    passes: float
    """Forward passes of one image."""


@dataclass(frozen=True)
class _Ended:
    at: float
    step: TimedStep
    waited_s: float


class RecentPace:
    """The steps of the last while; the first one of a process prepares things for all others."""

    def __init__(self) -> None:
        self._recent: deque[_Ended] = deque()
        self._first: TimedStep | None = None
        self._seconds, self._passes, self._waited_s = 0.0, 0.0, 0.0
        self._steady = 0.0, 0.0
        """Seconds and passes, of which older ones count less."""
        self._measured_at = -math.inf
        self._longest = 0.0
        """The most seconds of a pass that are believed now."""
        self.steps = 0
        """Steps that were measured, the first one left out."""
        self.forward_s: float | None = None
        """Seconds of a forward pass now; None before the first step."""
        self.waited = 0.0
        """Time that steps wait now, as a share of the time that they take."""
        self.passes: float | None = None
        """Mean forward passes of a step now; None before the second one."""

    def add(self, at: float, step: TimedStep, waited_s: float) -> None:
        """Note a step that ended at a time, after waiting for others."""
        if self._first is None:
            self._first, self.forward_s = step, step.seconds / step.passes
            return
        self._recent.append(_Ended(at, step, waited_s))
        while len(self._recent) > MIN_STEPS and self._recent[0].at < at - WINDOW_S:
            self._recent.popleft()

        self.steps += 1
        due = self.steps <= MIN_STEPS or at >= self._measured_at + EVERY_S
        if due:
            self._longest = STALL * median(e.step.seconds / e.step.passes for e in self._recent)

        believed = min(step.seconds, self._longest * step.passes)
        self._seconds, self._passes = self._seconds + believed, self._passes + step.passes
        self._waited_s += waited_s
        kept = math.exp(-believed / MEMORY_S)
        self._steady = kept * self._steady[0] + believed, kept * self._steady[1] + step.passes
        if due:
            self._measure(at)

    @property
    def mean_forward_s(self) -> float:
        """Return the seconds of a forward pass over all steps; 0 before the second one."""
        return self._seconds / self._passes if self._passes else 0.0

    @property
    def mean_waited(self) -> float:
        """Return the time that steps have waited, as a share of the time that they took."""
        return self._waited_s / self._seconds if self._seconds else 0.0

    def _measure(self, at: float) -> None:
        """Measure the steps of the last while, once for all who ask."""
        self._measured_at, steps = at, [ended.step for ended in self._recent]
        believed = sum(min(step.seconds, self._longest * step.passes) for step in steps)
        passes = sum(step.passes for step in steps)

        steady = self._steady[0] / self._steady[1]
        self.forward_s = (1 - STEADY) * believed / passes + STEADY * steady
        self.passes = passes / len(steps)
        waited = sum(ended.waited_s for ended in self._recent)
        self.waited = waited / believed if believed else 0.0
