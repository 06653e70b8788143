"""Clock of a run under way: how long it still takes, by its own pace.

A plan counts forward passes; the last steps tell what one takes now. What comes after the steps is
counted as well, and corrected by what this run or an earlier one like it has measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from align.client.planning.costs import WITHOUT_GRADIENTS, Passes, evaluation_steps
from align.client.planning.recent_pace import RecentPace, TimedStep
from align.contracts.run_files import MeasuredPace
from align.contracts.run_timing import Measured, RunTiming

ONE_PASS = Passes(0.0, 1.0, 1.0, 0, 0.0, 1, 0.0, 0.0)
"""Of a run of which nothing is counted: steps alone, each like the others."""
OVERDUE = 0.2
"""Of a part that takes longer than expected, this share of the time so far is taken to be left."""
SURE = 0.1
"""From this share of the checks on, the time that they took so far says something."""


@dataclass(frozen=True)
class RunWork:
    """What a run consists of, and what is expected before it has measured anything."""

    steps: int
    passes: Passes = ONE_PASS
    processes: int = 1
    start_s: float = 0.0
    """Seconds to start and load the model."""
    load_s: float = 0.0
    """Seconds to load it once more, for the checks."""
    measured: Measured | None = None
    """What earlier runs like this one have measured."""


class RunClock:
    """Tells how long a run still takes; it is told of whatever the run does."""

    def __init__(
        self, work: RunWork | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._work, self._clock = work or RunWork(steps=1), clock
        self._known = self._work.measured or Measured()
        self._began = self._since = clock()
        """When the process began, and when what it does now began."""
        self._doing = self._before_steps
        self._encoding_since: float | None = None
        self._encoded = 0, 0
        self._pace, self._step, self._began_at = RecentPace(), 0, 0
        self._waited_s = self._evaluated_s = 0.0
        """Since the last step."""
        self._other_s = 0.0
        """What came between steps: checkpoints, images of the version as it is by then."""
        self._evaluations = 0.0
        self._after_s, self._checked, self._checked_at = 0.0, 0.0, 0.0
        self._device: MeasuredPace | None = None

    # ---- what happens ------------------------------------------------------------------------
    def set_steps(self, steps: int) -> None:
        """Note how many steps the run has, as far as that is known by now."""
        self._work = replace(self._work, steps=steps)

    def encodes(self, done: int, of: int) -> None:
        """Note how many images are encoded."""
        now = self._clock()
        if self._encoding_since is None:
            self._encoding_since = now
        elif done:
            seconds = (now - self._encoding_since) / done
            self._known = replace(self._known, image_s=seconds)
        self._encoded = done, of

    def trains(
        self, step: int, passes: Passes | None = None, device: MeasuredPace | None = None
    ) -> None:
        """Note that all is prepared, and steps follow `step`; `passes` are counted anew."""
        now, (encoded, _) = self._clock(), self._encoded
        start_s = now - self._began - encoded * (self._known.image_s or 0.0)
        self._known = replace(self._known, start_s=max(0.0, start_s))
        self._work = replace(self._work, passes=passes or self._work.passes)
        self._step = self._began_at = step
        self._device, self._doing, self._since = device, self._steps, now

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Measure how long the block waits for the sampler."""
        began = self._clock()
        yield
        self._waited_s += self._clock() - began

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Measure the evaluation on held-out pairs, which is the block's."""
        began = self._clock()
        yield
        self._evaluated_s += self._clock() - began

    def stepped(self, step: int, timed: TimedStep | None = None) -> None:
        """Note a step that ended, with all that came after it."""
        now = self._clock()
        if self._doing != self._steps:
            self.trains(step - 1)
        whole_s = max(0.0, now - self._since - self._waited_s - self._evaluated_s)
        taken = timed or TimedStep(whole_s, self._work.passes.at_step(step))

        self._pace.add(now, taken, self._waited_s)
        if self._pace.steps:
            # The first step's are left out: what it prepares is taken for none of a step's.
            self._other_s += max(0.0, whole_s - taken.seconds)
        if self._evaluated_s:
            self._note_evaluation(self._evaluated_s)
        self._waited_s = self._evaluated_s = 0.0
        self._step, self._since = step, now

    def finishes(self) -> None:
        """Note that the last step is done."""
        self._after_s, self._doing, self._since = self._finish_s(), self._finish, self._clock()

    def checks(self, share: float) -> None:
        """Note the share of the release checks that is done."""
        if self._doing != self._checks:
            self._known = replace(self._known, finish=self._ratio(self._work.passes.finish))
            self._after_s, self._doing, self._since = self._checks_s(), self._checks, self._clock()
        self._checked, self._checked_at = share, self._clock()

    def ends(self) -> None:
        """Note that the run is done."""
        if self._doing == self._checks:
            self._known = replace(self._known, checks=self._ratio(self._work.passes.checks))

    # ---- what is left ------------------------------------------------------------------------
    def left(self) -> float | None:
        """Return the seconds that are left; None while nobody can tell."""
        return None if self._forward_s is None else max(0.0, self._doing(self._clock()))

    def timing(self) -> RunTiming | None:
        """Return what was measured so far; None before the second step, or on no known device."""
        if not self._pace.steps or self._device is None:
            return None
        known = self._known
        return {
            **self._device,
            "forward_s": self._pace.mean_forward_s,
            "processes": self._work.processes,
            "steps": self._pace.steps,
            "waited": self._pace.mean_waited,
            "start_s": known.start_s,
            "image_s": known.image_s,
            "evaluation": known.evaluation,
            "finish": known.finish,
            "checks": known.checks,
        }

    def _before_steps(self, now: float) -> float:
        """Return what is left while the run starts, loads and encodes."""
        (done, of), image_s = self._encoded, self._known.image_s
        image_s = self._pass_s if image_s is None else image_s
        images = self._work.passes.encoding if self._encoding_since is None else of - done

        expected = self._known.start_s or self._work.start_s
        left = _left_of(expected, now - self._began - done * image_s)
        return left + images * image_s + self._steps_s() + self._finish_s() + self._checks_s()

    def _steps(self, now: float) -> float:
        # A step that stalls brings the end no nearer: time counts up to the end of a usual one.
        usual_s = self._pass_s * self._work.passes.at_step(self._step + 1) * (1 + self._waited)
        after_s = self._finish_s() + self._checks_s()
        return self._steps_s() + after_s - min(now - self._since, usual_s)

    def _finish(self, now: float) -> float:
        return _left_of(self._after_s, now - self._since) + self._checks_s()

    def _checks(self, now: float) -> float:
        share, told = self._checked, self._checked_at
        if share < SURE:
            return _left_of(self._after_s, now - self._since)
        # The more is done, the more its own pace counts.
        own = min(1.0, 2 * share)
        whole_s = own * (told - self._since) / share + (1 - own) * self._after_s
        return _left_of((1 - share) * whole_s, now - told)

    def _steps_s(self) -> float:
        """Return the seconds of the steps to come, with evaluations and what else comes between."""
        passes, steps, done = self._work.passes, self._work.steps, self._step
        left = max(0, steps - done)
        fresh = max(0, min(steps, passes.known_after) - done)
        each = passes.cached_step + self._fresh_share * (passes.step - passes.cached_step)
        own = self._pass_s * (fresh * each + (left - fresh) * passes.cached_step)
        taken = done - self._began_at
        between = self._other_s / taken * left if taken > 1 else 0.0
        return own * (1 + self._waited) + between + self._evaluations_s()

    def _evaluations_s(self) -> float:
        passes, steps = self._work.passes, self._work.steps
        if not passes.evaluation:
            return 0.0
        left = sum(step > self._step for step in evaluation_steps(steps, passes.evaluations))
        # The first one of a run computes the reference as well.
        units = left + (0 if self._evaluations or self._began_at else 1)
        return units * self._counted(passes.evaluation) * (self._known.evaluation or 1.0)

    def _finish_s(self) -> float:
        factor = self._known.finish or self._known.evaluation or 1.0
        return self._counted(self._work.passes.finish) * factor

    def _checks_s(self) -> float:
        counted = self._counted(self._work.passes.checks)
        if self._known.checks is None:
            return counted + (self._work.load_s if counted else 0.0)
        return counted * self._known.checks

    @property
    def _forward_s(self) -> float | None:
        return self._pace.forward_s or self._known.forward_s

    @property
    def _pass_s(self) -> float:
        return self._forward_s or 0.0

    @property
    def _waited(self) -> float:
        return self._pace.waited if self._pace.steps else self._known.waited

    @property
    def _fresh_share(self) -> float:
        """Return which share of the reference has to be computed: earlier runs' is known."""
        passes, taken = self._work.passes, self._pace.passes
        reference = passes.step - passes.cached_step
        if taken is None or not reference or self._step > passes.known_after:
            return 1.0
        return min(1.0, max(0.0, (taken - passes.cached_step) / reference))

    def _counted(self, passes: float) -> float:
        """Return the seconds of passes that keep nothing for a backward pass."""
        return WITHOUT_GRADIENTS * passes * self._pass_s

    def _ratio(self, passes: float) -> float | None:
        """Return the time since the present part began, as a multiple of what it is counted for."""
        counted = self._counted(passes)
        return (self._clock() - self._since) / counted if counted else None

    def _note_evaluation(self, seconds: float) -> None:
        units = 1.0 if self._evaluations or self._began_at else 2.0
        counted = self._counted(units * self._work.passes.evaluation)
        self._evaluations += units
        if counted:
            # The first one computes the reference, unless an earlier run did.
            self._known = replace(self._known, evaluation=seconds / counted)


def _left_of(expected: float, passed: float) -> float:
    """Return what is left of a part; one that takes longer than expected is not nearly done."""
    return max(expected - passed, OVERDUE * min(passed, expected))
