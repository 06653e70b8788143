"""Ends of runs: requests to stop, the state that the store keeps, and the version that one made."""

from collections.abc import Callable

from align.contracts.run_files import RunResult, RunState, RunStatus
from annotate.interfaces import Trainer
from storage.records import Run, Version
from storage.store import Store

INTERRUPTED = "The trainer stopped before it was done. Resume goes on from its last checkpoint."


class RunEnds:
    """Asks runs to stop, records how they ended, and adds the versions that they made."""

    def __init__(
        self,
        store: Store,
        trainer: Trainer,
        model_id: str,
        released: Callable[[Version], None],
    ) -> None:
        """Take what to do with a new version, before its run is recorded as done."""
        self._store, self._trainer, self._model_id = store, trainer, model_id
        self._released = released

    def ask_for(self, run_id: str) -> None:
        """Ask a trainer that lives to stop, without the lock of the runs, which is held for long
        while a sampler is stopped or a snapshot is written.
        """
        run_dir = self._store.run_dir(run_id)
        if self._store.run(run_id).state == RunState.RUNNING and self._trainer.is_alive(run_dir):
            self._trainer.cancel(run_dir)

    def record(self, run: Run, status: RunStatus, cancelled: bool) -> None:
        """Record how a run ended; its version first, so that a run that is done has one."""
        state, error = status.state, status.error
        if state == RunState.DONE:
            error = self._register_version(run, status)
            state = RunState.FAILED if error else RunState.DONE
        elif state not in (RunState.FAILED, RunState.CANCELLED):
            state = RunState.CANCELLED if cancelled else RunState.INTERRUPTED
            error = None if cancelled else INTERRUPTED
        elif state == RunState.FAILED:
            error = error or "The trainer failed without saying why. Its log.txt may say more."
        if state == RunState.DONE:
            versions = self._store.versions(self._model_id)
            for version in (each for each in versions if each.run_id == run.run_id):
                self._released(version)
        self._store.set_run_state(run.run_id, state, error)

    def _register_version(self, run: Run, status: RunStatus) -> str | None:
        """Add the run's adapter as a version; return an error text if its file is missing."""
        adapter = self._trainer.adapter(self._store.run_dir(run.run_id))
        if not adapter.is_file():
            return f"The run ended without its adapter {adapter}. Start a new run."
        summary = status.result or RunResult()
        self._store.add_version(self._model_id, run.parent, run.run_id, adapter, summary)
        return None
