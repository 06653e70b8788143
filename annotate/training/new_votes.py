"""The votes that the next run would learn from."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotate.labeling.assignment import PairAssigner
from storage.records import Run, RunState
from storage.store import Store

UNSUCCESSFUL = (RunState.FAILED, RunState.CANCELLED)


class NewVotes:
    """Counts new votes, and waits until they are settled."""

    def __init__(
        self, store: Store, assigner: PairAssigner, model_id: str, settle_s: float
    ) -> None:
        self._store = store
        self._assigner = assigner
        self._model_id = model_id
        self.settle_s = settle_s
        self.weigh: Callable[[], None] = lambda: None
        """Settles how much everybody's votes count, before they are frozen for a run."""

    def new_vote_count(self) -> int:
        """Count the decisive votes since the newest run.

        Votes that a failed or cancelled run had are not new: it would start again and again.
        """
        new = self._store.decisive_since_last_run(self._model_id)
        runs = [run for run in self._store.runs(self._model_id) if not run.settings.get("voter")]
        if new and runs and runs[0].state in UNSUCCESSFUL:
            counts = snapshot_counts(self._store, runs[0])
            had = sum(counts.get(kind, 0) for kind in ("preference", "ranking", "image_lost"))
            new = min(new, max(0, self._store.counts(self._model_id).decisive - had))
        return new

    def settled_count(self, new: int) -> int:
        """How many of the new votes are surely settled."""
        return max(0, new - self._assigner.decisive.within(self.settle_s))

    def await_settled(self, closing: threading.Event) -> None:
        """Wait until the votes cast so far are settled: at most `settle_s` seconds."""
        newest = self._assigner.votes.age()
        if newest < self.settle_s:
            closing.wait(min(self.settle_s, self.settle_s - newest + 0.05))


def snapshot_path(store: Store, run: Run) -> Path:
    """Where the snapshot lies that a run learns from."""
    return store.images_dir.parent / "snapshots" / run.snapshot_id


def snapshot_manifest(store: Store, run: Run) -> dict[str, Any]:
    """Return what a run's snapshot says of itself; nothing if its manifest is gone."""
    try:
        text = (snapshot_path(store, run) / "manifest.json").read_text(encoding="utf-8")
    except OSError:
        return {}
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def snapshot_counts(store: Store, run: Run) -> dict[str, int]:
    """What a run's snapshot holds, by kind; empty if its manifest is gone."""
    counts: dict[str, int] = snapshot_manifest(store, run).get("counts", {})
    return counts
