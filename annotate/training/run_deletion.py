"""Deletion of runs: their files go, and they are listed no more; their votes and versions stay."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from align.contracts.run_files import RunState
from annotate.errors import DeletedRun, NotDeletable
from annotate.validation import as_annotator
from annotate.versions.registry import DELETED_RUNS
from storage.records import Run
from storage.store import Store

UNDER_WAY = (RunState.QUEUED, RunState.RUNNING)


class RunDeletion:
    """Deletes runs that have ended, and remembers which they were; thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store, self._deleting = store, threading.Lock()

    def delete(self, run_id: str, who: str) -> int:
        """Delete the files of a run and return the number of bytes that it freed.

        The adapter of the version that it made stays, with what belongs to it. Raises NotDeletable
        for a run under way, DeletedRun, or storage's UnknownRun.
        """
        name = as_annotator(who)
        with self._deleting:
            run = self.require(run_id)
            if run.state in UNDER_WAY:
                raise NotDeletable(
                    f"Run {run_id} is {_doing(run)}. Cancel it first, then delete it."
                )
            # The files first: after a crash in between, the run is there to be deleted again.
            freed = self._store.disk.remove_run(run_id).bytes
            self._store.project_settings.set(DELETED_RUNS, [*self.deleted(), run_id], name)
        return freed

    @contextmanager
    def kept(self, run_id: str) -> Iterator[None]:
        """Keep a run from being deleted during the block; raises DeletedRun or UnknownRun."""
        with self._deleting:
            self.require(run_id)
            yield

    def deleted(self) -> list[str]:
        """Return the ids of the runs that were deleted."""
        return list(self._store.project_settings.get(DELETED_RUNS, []))

    def require(self, run_id: str) -> Run:
        """Return a run that was not deleted; raises DeletedRun or storage's UnknownRun."""
        run = self._store.run(run_id)
        if run_id in self.deleted():
            raise DeletedRun(f"Run {run_id} was deleted. Choose another one in the history.")
        return run


def _doing(run: Run) -> str:
    return "waiting to start" if run.state == RunState.QUEUED else "under way"
