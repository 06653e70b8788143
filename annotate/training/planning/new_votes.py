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
TRAINED_KINDS = ("preference", "ranking", "image_lost")
"""Kinds of rows in a snapshot that stand for a decisive vote, images found missing included."""
RUN_SETTINGS = "run_settings"
"""Name of the project setting that holds the settings of automatic runs."""
VOTER = "voter"
"""Setting of a run: the annotators whose votes alone it learns from, one name or several."""
ALSO = "also_votes_of"
"""Setting of a run: the names or ids of other models whose votes it takes along."""
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
        """Count the decisive votes since the newest run.

        Where automatic runs learn from some people alone, those people's since the newest such run.
        Votes in the snapshot of a failed or canceled run are not new; otherwise the trigger would
        start such a run again and again.
        """
        saved = self._store.project_settings.get(RUN_SETTINGS, {})
        if voters := as_voters(saved.get(VOTER)):
            return self._new_of(voters)
        new = self._store.decisive_since_last_run(self._model_id)
        runs = [run for run in self._store.runs(self._model_id) if not run.settings.get(VOTER)]
        if new and runs and runs[0].state in UNSUCCESSFUL:
            manifest = snapshot_manifest(self._store, runs[0])
            counts = counts_of(manifest)
            in_snapshot = sum(counts.get(kind, 0) for kind in TRAINED_KINDS) - others_in(manifest)
            decisive = self._store.counts(self._model_id).decisive
            new = min(new, max(0, decisive - in_snapshot))
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


def others_in(manifest: SnapshotManifest | None) -> int:
    """Return how many votes of a snapshot are other models'."""
    return sum(manifest.get("other_models", {}).values()) if manifest else 0


def split_voter(settings: dict[str, Any]) -> tuple[Voters, dict[str, Any]]:
    """Split a run's settings into the annotators to learn from and the trainer's own settings.

    The annotators are None for the votes of everybody. Raises InvalidAnnotator.
    """
    trainer_settings = {k: value for k, value in settings.items() if k not in (VOTER, ALSO)}
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
