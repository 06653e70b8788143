"""Restores of exported votes into a studio that has none yet."""

import threading
from pathlib import Path

from annotate.data_jobs.jobs import JobPlan, Progress, Result
from annotate.errors import InvalidRequest
from annotate.views.data import RestoreResult
from storage.merging.vote_restore import RestoredVotes, VoteRestore
from storage.store import Store


class VoteRestores:
    """Restores of Palate's own Parquet into the studio that is open."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def restoring(self, path: str) -> JobPlan:
        """Plan to restore the votes of an export; raises InvalidRequest without a path."""
        named = path.strip().strip("\"'")
        if not named:
            raise InvalidRequest("Name the folder of the export.")
        folder = Path(named).expanduser().absolute()

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            return {**result_of(VoteRestore(self._store, progress, cancelled).run(folder))}

        return JobPlan("restore_votes", f"Restoring votes of {folder.name}", work)


def result_of(restored: RestoredVotes) -> RestoreResult:
    """Return what was restored."""
    return {
        "votes": restored.votes,
        "rankings": restored.rankings,
        "images": restored.images,
        "of_sources": restored.of_sources,
        "message": restored.sentence,
    }
