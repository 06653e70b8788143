"""The clock of a run tells the time that is left, on runs whose course is known."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from align.client.planning.costs import WITHOUT_GRADIENTS, Passes, evaluation_steps
from align.client.planning.recent_pace import WINDOW_S, TimedStep
from align.client.planning.run_clock import RunClock, RunWork
from align.contracts.run_timing import Measured

PASSES = Passes(
    encoding=0, step=48, cached_step=32, known_after=200, evaluation=200, evaluations=5,
    finish=600, checks=2000,
)  # fmt: skip
DEVICE = {"device": "cpu", "name": "", "side": 128, "forward_s": 0.0}
FACTOR = 1.5
START_S = 12.0


@dataclass
class Run:
    """A run that takes what `pass_s` says a pass takes at each time, seen every few seconds."""

    pass_s: Callable[[float], float]
    steps: int = 600
    passes: Passes = PASSES
    work: RunWork | None = None
    waits: Callable[[int], float] = lambda step: 0.0
    stalls: dict[int, float] = field(default_factory=dict)
    checks: float = 1.0
    """How much longer the checks take than counted."""
    now: float = 0.0
    seen: list[tuple[float, float | None]] = field(default_factory=list)
    every: float = 5.0

    def __post_init__(self) -> None:
        work = self.work or RunWork(self.steps, self.passes, start_s=START_S)
        self.clock = RunClock(work, lambda: self.now)

    def take(self, seconds: float) -> None:
        """Let time pass; somebody looks now and then."""
        end = self.now + seconds
        while self.every * (len(self.seen) + 1) <= end:
            self.now = self.every * (len(self.seen) + 1)
            self.seen.append((self.now, self.clock.left()))
        self.now = end

    def go(self) -> list[tuple[float, float, float | None]]:
        """Take the whole run; return readings: when, what was left in truth, what was told."""
        self.take(START_S)
        self.clock.trains(0, self.passes, DEVICE)
        for step in range(1, self.steps + 1):
            self.step(step)
        self.clock.finishes()
        self.take(WITHOUT_GRADIENTS * self.passes.finish * self.pass_s(self.now))
        self.clock.checks(0.0)
        for part in range(1, 21):
            whole = WITHOUT_GRADIENTS * self.passes.checks * self.checks
            self.take(whole * self.pass_s(self.now) / 20)
            self.clock.checks(part / 20)
        self.clock.ends()
        return [(at, self.now - at, told) for at, told in self.seen]

    def step(self, step: int) -> None:
        with self.clock.waiting():
            self.take(self.waits(step))
        passes = self.passes.at_step(step)
        seconds = passes * self.pass_s(self.now) + self.stalls.get(step, 0.0)
        self.take(seconds)
        if step in evaluation_steps(self.steps, self.passes.evaluations):
            # The first one computes the reference as well.
            times = 2 if step == self.steps // self.passes.evaluations else 1
            with self.clock.evaluating():
                self.take(
                    times * WITHOUT_GRADIENTS * self.passes.evaluation * self.pass_s(self.now)
                )
        self.clock.stepped(step, TimedStep(seconds, passes))


def wrong(readings, since: float = 0.0) -> list[tuple[float, float, float | None]]:
    """Return the readings after a time that are off by more than half."""

    def off(left: float, told: float | None) -> bool:
        return told is None or not left / FACTOR <= told <= left * FACTOR

    return [r for r in readings if r[0] >= since and r[1] > 6 and off(*r[1:])]


def paced(*changes: tuple[float, float]) -> Callable[[float], float]:
    """Return a pace that changes at times; `changes` are when, and seconds of a pass from then."""
    return lambda now: [seconds for at, seconds in changes if at <= now][-1]


@settings(deadline=None, max_examples=20)
@given(st.floats(0.002, 0.2))
def test_an_even_pace_is_told_from_the_second_step_on(pass_s: float) -> None:
    readings = Run(paced((0, pass_s)), steps=200).go()
    assert not wrong(readings, START_S + 2 * 48 * pass_s + 1)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.004, 0.02), st.sampled_from([0.5, 2.0]), st.floats(0.1, 0.8))
@example(0.015625, 2.0, 0.2109375)
def test_after_a_change_of_pace_by_two_the_time_is_right_again_within_the_window(
    pass_s: float, change: float, when: float
) -> None:
    even = Run(paced((0, pass_s))).go()
    at = START_S + when * (even[-1][0] - START_S)
    readings = Run(paced((0, pass_s), (at, change * pass_s))).go()
    # Six steps are looked at even where they take longer than the window.
    settled = at + max(0.7 * WINDOW_S, 4 * 48 * pass_s * change)
    # An evaluation meanwhile measures no step; the first one takes twice as long.
    evaluation_s = 2 * WITHOUT_GRADIENTS * PASSES.evaluation * pass_s * max(1.0, change)
    assert not wrong(readings, settled + evaluation_s)


@settings(deadline=None, max_examples=10)
@given(st.integers(20, 550))
def test_a_stall_changes_what_is_told_by_little(step: int) -> None:
    """A machine that slept for ten minutes is not taken for a slow one."""
    readings = Run(paced((0, 0.01)), stalls={step: 600.0}, every=1.0).go()
    ended = 600 + START_S + step * 48 * 0.01 + 60
    assert not wrong(readings, ended)
    told = [told for _, _, told in readings if told is not None]
    assert max(told) < 2 * told[len(told) // 20]


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_steps_that_vary_are_told_by_their_mean(seed: int) -> None:
    chance = random.Random(seed)
    run = Run(lambda now: 0.01)
    run.pass_s = lambda now: 0.01 * chance.uniform(0.5, 2.0)
    # Of the checks the last images alone would be told by chance.
    assert not [reading for reading in wrong(run.go(), START_S + 15) if reading[1] > 30]


def test_time_that_steps_wait_for_the_sampler_is_part_of_it() -> None:
    readings = Run(paced((0, 0.01)), waits=lambda step: 4.0 if step % 10 == 0 else 0.0).go()
    assert not wrong(readings, START_S + 45)


def test_a_step_that_stalls_brings_the_end_no_nearer() -> None:
    run = Run(paced((0, 0.01)))
    run.clock.trains(0, PASSES, DEVICE)
    for step in range(1, 11):
        run.step(step)
    told = run.clock.left()
    run.now += 500.0
    assert told is not None and run.clock.left() == pytest.approx(told - 48 * 0.01)


def test_before_the_first_step_earlier_runs_tell() -> None:
    measured = Measured(forward_s=0.01, start_s=START_S, finish=1.0, evaluation=1.0, checks=1.0)
    work = RunWork(600, PASSES, start_s=60.0, measured=measured)
    readings = Run(paced((0, 0.01)), work=work, every=1.0).go()
    assert not wrong(readings)
    assert Run(paced((0, 0.01))).clock.left() is None


def test_checks_that_take_long_are_known_to_from_the_run_before() -> None:
    first = Run(paced((0, 0.01)), checks=9.0)
    assert wrong(first.go(), 100.0)
    timing = first.clock.timing()
    assert timing is not None and timing["checks"] == pytest.approx(9.0, rel=0.01)
    assert (timing["device"], timing["side"], timing["processes"]) == ("cpu", 128, 1)
    assert timing["start_s"] == pytest.approx(START_S)
    assert timing["forward_s"] == pytest.approx(0.01, rel=0.01)
    known = Measured(forward_s=0.01, evaluation=1.0, finish=timing["finish"], checks=9.0)
    again = Run(paced((0, 0.01)), checks=9.0, work=RunWork(600, PASSES, measured=known))
    assert not wrong(again.go(), START_S)


def test_a_reference_that_earlier_runs_have_computed_is_not_counted_again() -> None:
    run = Run(paced((0, 0.01)), passes=replace(PASSES, step=32))
    run.work = RunWork(600, PASSES)
    run.clock = RunClock(run.work, lambda: run.now)
    run.clock.trains(0, PASSES, DEVICE)
    for step in range(1, 31):
        run.step(step)
    left = 570 * 32 * 0.01 + WITHOUT_GRADIENTS * 0.01 * (6 * 200 + 600 + 2000)
    assert run.clock.left() == pytest.approx(left, rel=0.02)


def test_a_run_that_was_resumed_counts_the_steps_that_are_left() -> None:
    run = Run(paced((0, 0.01)))
    run.clock.trains(580, PASSES, DEVICE)
    for step in range(581, 591):
        run.step(step)
    after = WITHOUT_GRADIENTS * 0.01 * (200 + 600 + 2000)
    assert run.clock.left() == pytest.approx(10 * 32 * 0.01 + after, rel=0.15)


def test_without_a_count_steps_alone_are_told() -> None:
    now = [0.0]
    clock = RunClock(RunWork(100), lambda: now[0])
    assert clock.left() is None and clock.timing() is None
    for step in range(1, 11):
        now[0] += 2.0
        clock.stepped(step)
    assert clock.left() == pytest.approx(180.0)
    assert clock.timing() is None
