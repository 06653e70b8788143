"""What the app is doing now: in values, and in a sentence for the head of the page."""

import math
from typing import Any

from annotate.insights.active_learning import ActiveLearner
from annotate.interfaces import Sampler, SamplerState
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.pair_pool import READY_PAIRS, PairPool
from annotate.training.run_status import RunStatusReader, run_sentence
from annotate.training.runs import TrainingRuns
from annotate.wording import quantity
from storage.store import Store

ALTERNATIVES = (
    "Bring your own images, below, and label those meanwhile; or start Palate without --model to "
    "use the embedded model."
)
SLOW_MIN = 2
"""After so many minutes without an image it is said how many."""


class StudioStatus:
    """Looks at everything that works in the background."""

    def __init__(
        self,
        sampler: Sampler,
        assigner: PairAssigner,
        pool: PairPool,
        runs: TrainingRuns,
        run_status: RunStatusReader,
        choosing: ActiveLearner,
        store: Store,
    ) -> None:
        self._sampler, self._assigner, self._pool = sampler, assigner, pool
        self._runs, self._run_status, self._choosing = runs, run_status, choosing
        self._store = store

    def activity(self) -> dict[str, Any]:
        """Say what the app is doing now."""
        state, run_id = self._sampler.state(), self._runs.running
        run = {"run_id": run_id, **self._run_status.status(run_id)} if run_id else None
        ready, target = self._stock()
        return {
            "sampler": {
                "state": state.state,
                "detail": state.detail,
                "device": state.device,
                "advice": advice(state) if state.state == "failed" else None,
            },
            "pool": {"ready": ready, "target": target, "problem": self._pool.problem},
            "run": run,
            "problem": self._runs.problem,
            "choosing": {"problem": self._choosing.problem},
            "database": {
                "recovered": self._store.opening.recovered,
                "problem": self._store.opening.problem,
            },
            "message": self._message(run, ready, target),
        }

    def _stock(self) -> tuple[int, int]:
        """How many pairs are ready, and how many should be.

        While a blind test is mixed in, only whether there are any: a count that goes down for some
        of the pairs would say which are the test's.
        """
        if not self._assigner.mixed:
            return self._assigner.ready(), self._pool.target
        return (READY_PAIRS if self._assigner.ready() else 0), READY_PAIRS

    def _message(self, run: dict[str, Any] | None, ready: int, target: int) -> str:
        if self._store.opening.problem:
            return self._store.opening.problem
        if self._runs.problem:
            return f"The runs cannot be followed: {self._runs.problem}"
        if self._pool.stuck and not self._pool.resting:
            return self._pool.wait().reason
        if run:
            return run_sentence(run)
        if self._sampler.state().state != "ready":
            return self._pool.wait().reason
        if ready < target:
            return f"Drawing pairs: {ready} of {target} ready.{self._slowness()}"
        if self._choosing.problem:
            return self._choosing.problem
        return "Pairs are ready." if self._assigner.mixed else f"{ready} pairs ready."

    def _slowness(self) -> str:
        minutes = int(self._pool.quiet_s / 60)
        return (
            f" No image has come for {quantity(minutes, 'minute')}." if minutes >= SLOW_MIN else ""
        )


def advice(state: SamplerState) -> str:
    """Return what a person can do while there is no image model."""
    seconds = None if state.retry_s is None else math.ceil(state.retry_s)
    again = "" if seconds is None else f"It is tried again in {quantity(seconds, 'second')}. "
    return f"{again}{ALTERNATIVES}"
