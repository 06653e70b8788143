"""Steps of a run that may take so many minutes: settled once, by its own pace, and kept."""

from __future__ import annotations

import time

from align.client.planning.circumstances import Circumstances, rendering_of
from align.client.planning.costs import (
    Passes,
    RunTimes,
    evaluation_counts,
    passes_of,
    times_of,
)
from align.client.planning.plan import START_S, planned_steps, run_times
from align.client.planning.resolution import side_within
from align.client.run_folder import RunFolder
from align.training.budget.device import plan_device
from align.training.budget.pace import PaceMeter
from align.training.parallel import agreed_by_all
from align.training.state import TrainingState

SETTLE_AFTER = 3
"""Steps that the pace is taken from; the first step of a process is none of them."""
EARLY_SHARE = 0.25
"""Of the budget: a run that is as slow as that settles after its first step."""
RESERVE = 0.05
"""Of the budget, for what no count foresees."""


class StepBudget:
    """The number of steps of a run, and when its held-out pairs are evaluated.

    Without a limit of minutes it is the settings' own. With one it is what fits: first by the plan,
    then by the pace that was measured. The run folder keeps that, so that a run that was paused or
    killed has the same number.
    """

    def __init__(self, run: RunFolder, state: TrainingState) -> None:
        self._run, self._state, self._config = run, state, state.config
        prepared = run.read_config()
        self._preset = prepared.model.preset
        self._rendering = rendering_of(prepared.model, prepared.look)
        size = (prepared.model.width, prepared.model.height)
        self._side = side_within(self._config.resolution, size)
        self._prepared_s = time.monotonic() - state.progress.began

        settled = run.settled()
        self._settled_after = settled.get("settled_after") if self._config.max_minutes else 0
        """The step after which the number was settled; None until it is."""
        self.steps = settled.get("steps") or self._planned()
        """Settled, or planned until it is."""

    def goes_on(self, step: int) -> bool:
        """Return whether another step follows; a number that is only planned ends no run."""
        settled = self._settled_after is not None
        return step < (self.steps if settled else self._config.steps)

    def evaluation_due(self, step: int) -> bool:
        """Return True after the steps at which the held-out pairs are evaluated.

        Never before the number is settled: a process that knew it from its first step on would
        evaluate at others.
        """
        if self._settled_after is None or step < self._settled_after:
            return False
        evaluations, _ = evaluation_counts(self._config)
        return step % max(1, self.steps // evaluations) == 0 or step == self.steps

    def settle_if_due(self, pace: PaceMeter) -> bool:
        """Settle the number once the pace is known; return True after the step that did."""
        if self._settled_after is not None:
            return False
        progress, accelerator = self._state.progress, self._state.accelerator
        slow = progress.seconds > EARLY_SHARE * 60 * self._config.max_minutes
        known = pace.steps >= SETTLE_AFTER or progress.step == self._config.steps
        if not agreed_by_all(accelerator, slow or known):
            return False

        if accelerator.is_main_process:
            fitting = self._fitting(pace.forward_s)
            self._run.settle({"steps": fitting, "settled_after": progress.step})
        accelerator.wait_for_everyone()
        settled = self._run.settled()
        self.steps, self._settled_after = settled["steps"], settled["settled_after"]
        return True

    def _fitting(self, forward_s: float) -> int:
        """Return the steps that end in time at this pace, with all that comes after them."""
        # The checks load the model once more; encoding is in the time so far, and does not recur.
        times = self._times(forward_s, min(self._prepared_s, START_S))
        progress = self._state.progress
        left = (1 - RESERVE) * 60 * self._config.max_minutes - progress.seconds
        return times.steps_within(left, self._config.steps, progress.step)

    @property
    def passes(self) -> Passes:
        """Return the forward passes that the run is made of."""
        pairs, held_out = self._state.train_pairs, len(self._state.holdout)
        return passes_of(self._config, pairs, held_out, self._side, self._rendering)

    def _times(self, forward_s: float, start_s: float) -> RunTimes:
        return times_of(self.passes, forward_s, start_s)

    def _planned(self) -> int:
        """Return the steps that should fit, before any was measured."""
        if not self._config.max_minutes:
            return self._config.steps
        known = Circumstances(plan_device(self._state.compute), self._rendering)
        pairs, held_out = self._state.train_pairs, len(self._state.holdout)
        times = run_times(self._preset, self._config, pairs, held_out, self._side, known)
        # Without these it would not know its pace.
        least = min(SETTLE_AFTER + 1, self._config.steps)
        return max(least, planned_steps(self._config, times))
