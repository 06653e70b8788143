"""Merges with another studio of the same model: what it would add, and adding it."""

import threading
from pathlib import Path

from annotate.data_jobs.jobs import JobPlan, Progress, Result
from annotate.errors import InvalidRequest
from annotate.views.data import MergePreview, MergeResult
from storage.merging.merge import Merge
from storage.merging.report import MergeReport, sentences_of_merge
from storage.store import Store


class Merges:
    """Merges of other studios into one that is open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.previewed: MergePreview | None = None
        """What the newest look at another studio found."""

    def previewing(self, path: str) -> JobPlan:
        """Plan a look at what another studio would add; raises InvalidRequest without a path."""
        other = as_folder(path)
        self.previewed = None

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            report = Merge(self._store, other, progress, cancelled).preview()
            self.previewed = {
                "path": str(other),
                "new": report.counts(),
                "is_nothing": report.is_nothing,
                "notes": sentences_of_merge(report, done=False),
            }
            return {**self.previewed}

        return JobPlan("merge_preview", f"Looking at {other.name}", work)

    def merging(self, path: str) -> JobPlan:
        """Plan to take what another studio has; raises InvalidRequest without a path."""
        other = as_folder(path)

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            report = Merge(self._store, other, progress, cancelled).write()
            self.previewed = None
            return {**result_of(report)}

        return JobPlan("merge", f"Merging {other.name}", work)

    def forget(self) -> None:
        """Forget the newest look."""
        self.previewed = None


def as_folder(path: str) -> Path:
    """Return the folder of a studio that somebody named; raises InvalidRequest for none."""
    named = path.strip().strip("\"'")
    if not named:
        raise InvalidRequest("Name the folder of the other studio.")
    return Path(named).expanduser().absolute()


def result_of(report: MergeReport) -> MergeResult:
    """Return what a merge added."""
    told = " ".join(sentences_of_merge(report, done=True))
    return {"added": report.counts(), "message": told}
