"""Votes since the newest run, and the snapshots that earlier runs learned from."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from align.contracts.run_files import RunState
from align.contracts.snapshot_files import MANIFEST, SnapshotManifest
from annotate.errors import InvalidRequest
from annotate.labeling.assignment import PairAssigner
from annotate.validation import as_annotator
from storage.records import Run, Voters
from storage.store import Store

UNSUCCESSFUL = (RunState.FAILED, RunState.CANCELLED)
RUN_SETTINGS = "run_settings"
"""Name of the project setting that holds the settings of automatic runs."""
VOTER = "voter"
"""Setting of a run: the annotators whose votes alone it learns from, one name or several."""
ALSO = "also_votes_of"
"""Setting of a run: the names or ids of other models whose votes it takes along."""
SOURCES = "sources"
"""Setting of a run: the names of sources that came in from files. Where it names some and no
annotators, the run learns from these sources alone."""
TIMER_MARGIN_S = 0.05
"""Waiting this much longer makes up for the coarse timers of some systems."""


class NewVotes:
    """Count of the votes since the newest run, and of those among them that are settled."""

    def __init__(
        self,
        store: Store,
        assigner: PairAssigner,
        model_id: str,
        settle_s: float,
        update_weights: Callable[[], None],
    ) -> None:
        self._store, self._assigner, self._model_id = store, assigner, model_id
        self.settle_s = settle_s
        self.update_weights = update_weights
        """Record the weight of everybody's votes; called before they are frozen for a run."""

    def new_vote_count(self) -> int:
        """Count the decisive votes since the newest run; those of sources are never new.

        Where automatic runs learn from some people alone, those people's since the newest such run.
        Votes in the snapshot of a failed or canceled run are not new; otherwise the trigger would
        start such a run again and again.
        """
        saved = self._store.project_settings.get(RUN_SETTINGS, {})
        if voters := as_voters(saved.get(VOTER)):
            return self._new_of(voters)
        if saved.get(SOURCES):
            # Automatic runs would learn from these sources alone.
            return 0
        new = self._store.decisive_since_last_run(self._model_id)
        runs = [run for run in self._store.runs(self._model_id) if of_everybody(run)]
        if new and runs and runs[0].state in UNSUCCESSFUL:
            # By what the snapshot holds, images found missing included, and not by how many rows
            # it has: those of other models and of sources are among them.
            snapshots, snapshot_id = self._store.snapshots, runs[0].snapshot_id
            new = min(new, snapshots.untrained(self._model_id, None, snapshot_id))
        return new

    def _new_of(self, voters: tuple[str, ...]) -> int:
        """Count some people's decisive votes since the newest run on theirs, however it ended."""
        runs = self._store.runs(self._model_id)
        newest = next((run for run in runs if as_voters(run.settings.get(VOTER)) == voters), None)
        snapshot_id = newest.snapshot_id if newest else ""
        return self._store.snapshots.untrained(self._model_id, voters, snapshot_id)

    def settled_count(self, new: int) -> int:
        """Return how many of the new votes are at least `settle_s` seconds old."""
        return max(0, new - self._assigner.decisive.count_within(self.settle_s))

    def await_settled(self, closing: threading.Event) -> None:
        """Wait until every vote cast so far is settled, at most `settle_s` seconds.

        A snapshot leaves out newer votes, so that a slip undone at once is never learned from.
        """
        age_s = self._assigner.votes.seconds_since_last()
        if age_s < self.settle_s:
            closing.wait(min(self.settle_s, self.settle_s - age_s + TIMER_MARGIN_S))


def snapshot_path(store: Store, run: Run) -> Path:
    """Return the folder of the snapshot that a run learns from."""
    return store.images_dir.parent / "snapshots" / run.snapshot_id


def snapshot_manifest(store: Store, run: Run) -> SnapshotManifest | None:
    """Return the manifest of a run's snapshot; None if the file is gone."""
    try:
        text = (snapshot_path(store, run) / MANIFEST).read_text(encoding="utf-8")
    except OSError:
        return None
    manifest: SnapshotManifest = json.loads(text)
    return manifest


def counts_of(manifest: SnapshotManifest | None) -> dict[str, int]:
    """Return the rows of a snapshot by kind; empty if its manifest is gone."""
    return manifest.get("counts", {}) if manifest else {}


def of_everybody(run: Run) -> bool:
    """Return whether a run learned from everybody's votes."""
    return not (run.settings.get(VOTER) or run.settings.get(SOURCES))


def split_voter(settings: dict[str, Any]) -> tuple[Voters, dict[str, Any]]:
    """Split a run's settings into the annotators to learn from and the trainer's own settings.

    The annotators are None for the votes of everybody. Raises InvalidAnnotator.
    """
    whose = (VOTER, ALSO, SOURCES)
    trainer_settings = {k: value for k, value in settings.items() if k not in whose}
    return as_voters(settings.get(VOTER)), trainer_settings


def as_voters(voter: Any) -> Voters:
    """Return annotators in one order, from one name or several; None for everybody."""
    names = [voter] if isinstance(voter, str) and voter else voter
    if not names:
        return None
    if not isinstance(names, list | tuple):
        raise InvalidRequest(f"Send {VOTER} as a name or a list of names, not {voter!r}.")
    return tuple(sorted({as_annotator(name) for name in names}))


def names_of(voters: tuple[str, ...]) -> str:
    """Return annotators' names in a sentence."""
    return ", ".join(repr(name) for name in voters)
