"""Current activity of the app: a view of it, and a sentence for the top of the page."""

import math

from align.contracts.rendering import SamplerState
from align.contracts.run_files import RunState
from annotate.insights.active_learning import ActiveLearner
from annotate.interfaces import Sampler
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.pair_pool import PairPool
from annotate.training.run_status import RunStatusReader, run_sentence
from annotate.training.runs import TrainingRuns
from annotate.views.activity import ActivityView, CurrentRun
from annotate.views.training import RunProgress
from annotate.wording import quantity, soon
from storage.store import Store

ALTERNATIVES = (
    "Import your own images, in Settings, and label those meanwhile; or start Palate without "
    "--model to use the embedded model."
)
SLOW_MIN = 2
"""Minutes without a new image after which the sentence mentions them."""


class StudioStatus:
    """Status of everything that works in the background."""

    def __init__(
        self,
        sampler: Sampler,
        assigner: PairAssigner,
        pool: PairPool,
        runs: TrainingRuns,
        run_status: RunStatusReader,
        active_learner: ActiveLearner,
        store: Store,
        model_id: str,
        model_name: str,
    ) -> None:
        self._sampler, self._assigner, self._pool = sampler, assigner, pool
        self._runs, self._run_status, self._active_learner = runs, run_status, active_learner
        self._store, self._model_id, self._model_name = store, model_id, model_name

    def activity(self) -> ActivityView:
        """Return what sampler, pair pool, runs and database do now, and a sentence on it."""
        state = self._sampler.state()
        run = self._current_run()
        ready, target = self._pair_counts()

        return {
            "model": self._model_name,
            "newest_version": self._newest_version(),
            "sampler": {
                "state": state.state,
                "detail": state.detail,
                "device": state.device,
                "device_summary": state.facts.summary() if state.facts else "",
                "advice": advice(state) if state.state == "failed" else None,
            },
            "pool": {"ready": ready, "target": target, "problem": self._pool.problem},
            "run": run,
            "problem": self._runs.problem,
            "choosing": {"problem": self._active_learner.problem},
            "database": {
                "recovered": self._store.opening.recovered,
                "problem": self._store.opening.problem,
            },
            "message": self._message(run, ready, target),
        }

    def _current_run(self) -> CurrentRun | None:
        run_id = self._runs.running
        if not run_id:
            return None
        progress = self._run_status.status(run_id)
        next_images_s = self._next_images_s(progress)
        return {"run_id": run_id, "next_images_s": next_images_s, **progress}

    def _next_images_s(self, run: RunProgress) -> float | None:
        """Return when a run lets the sampler render; None where it renders meanwhile."""
        if not self._pool.suspended or run["state"] == RunState.PAUSED:
            return None
        return self._pool.estimate_wait().seconds

    def _newest_version(self) -> str | None:
        """Return the version that the newest run made, or None."""
        versions = self._store.versions(self._model_id)
        return next((each.version for each in reversed(versions) if each.run_id), None)

    def _pair_counts(self) -> tuple[int, int]:
        """Return how many pairs are ready, and how many should be.

        While a blind test is mixed in, all or none: a count that goes down after some of the pairs
        would give away which are the test's.
        """
        if not self._assigner.mixed:
            return self._assigner.ready(), self._pool.target.pairs
        shown = self._pool.target.min_ready
        return (shown if self._assigner.ready() else 0), shown

    def _message(self, run: CurrentRun | None, ready: int, target: int) -> str:
        """Return the most urgent thing to say: first what is broken, then what is under way."""
        if self._store.opening.problem:
            return self._store.opening.problem

        if self._runs.problem:
            return self._runs.problem
        if self._pool.blocked and not self._pool.suspended:
            return self._pool.estimate_wait().reason
        if run:
            return f"{run_sentence(run)}{self._next_images(run)}"
        if self._sampler.state().state != "ready":
            return self._pool.estimate_wait().reason
        if ready < target:
            return f"Rendering pairs: {self._ready(ready, target)} ready.{self._slowness()}"
        if self._active_learner.problem:
            return self._active_learner.problem
        waiting = "Pairs are ready" if self._assigner.mixed else f"{ready:,} pairs ready"
        return f"{waiting}{self._prepared()}."

    def _ready(self, ready: int, target: int) -> str:
        """Return how many pairs are ready; without those of open pages it looks as if none came."""
        held = 0 if self._assigner.mixed else self._assigner.held_count()
        more = f"{held} on open pages, {ready} of {target} more"
        return more if held else f"{ready} of {target}"

    def _prepared(self) -> str:
        """Return how far an order of pairs is; an empty text where there is none to fulfil."""
        # Rendering alone changes that, whichever pairs are voted on: a blind test stays blind.
        order = self._pool.prepared.order
        return f"; of {order.asked:,} to prepare {order.rendered:,} are rendered" * bool(order.left)

    def _next_images(self, run: CurrentRun) -> str:
        """Return a sentence on when a run lets the sampler render, and an empty text otherwise."""
        seconds = run["next_images_s"]
        return "" if seconds is None else f" Next images {soon(seconds)}."

    def _slowness(self) -> str:
        """Return a sentence if no image has come for minutes, and an empty text otherwise."""
        minutes = int(self._pool.silent_s / 60)
        return (
            f" No image has come for {quantity(minutes, 'minute')}." if minutes >= SLOW_MIN else ""
        )


def advice(state: SamplerState) -> str:
    """Return what a person can do while the image model has failed."""
    seconds = None if state.retry_s is None else math.ceil(state.retry_s)
    again = "" if seconds is None else f"It is tried again in {quantity(seconds, 'second')}. "
    return f"{again}{ALTERNATIVES}"
