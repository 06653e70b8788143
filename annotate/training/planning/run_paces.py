"""Paces that earlier runs of a model have measured, however they ended."""

import logging

from align.contracts.run_files import MeasuredPace
from annotate.interfaces import Trainer
from storage.records import Run
from storage.store import Store

logger = logging.getLogger(__name__)

MAX_RUNS = 12
"""The newest ones, whose files are read whenever a plan is shown."""


class RunPaces:
    """Reads what the runs of a model have measured of their time."""

    def __init__(self, store: Store, trainer: Trainer, model_id: str) -> None:
        self._store, self._trainer, self._model_id = store, trainer, model_id

    def measured(self) -> list[MeasuredPace]:
        """Return the paces of runs that took some steps, the newest first."""
        runs = self._store.runs(self._model_id)[:MAX_RUNS]
        return [pace for pace in map(self._pace, runs) if pace is not None]

    def pairs_per_s(self) -> float | None:
        """Return the pairs per second of the newest run that took two steps; None without one."""
        for run in self._store.runs(self._model_id)[:MAX_RUNS]:
            if (speed := self._speed(run)) is not None:
                return speed
        return None

    def _speed(self, run: Run) -> float | None:
        try:
            rows = self._trainer.metrics(self._store.run_dir(run.run_id))
        except Exception:
            logger.exception("the metrics of run %s cannot be read", run.run_id)
            return None
        return (rows[-1].get("pairs_per_s") or None) if rows else None

    def _pace(self, run: Run) -> MeasuredPace | None:
        """Return the pace of a run; None where it took no step or its folder is damaged."""
        run_dir = self._store.run_dir(run.run_id)
        try:
            # Runs of the release before have the pace in their result, if they are done.
            result = self._trainer.status(run_dir).result or {}
            return self._trainer.timing(run_dir) or result.get("pace")
        except Exception:
            logger.exception("the folder of run %s cannot be read", run.run_id)
            return None
