"""Status of runs for pages and programs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from align.contracts.durations import in_words
from align.contracts.errors import InvalidInput, PalateError
from align.contracts.run_files import MetricsRow, RunState, RunStatus
from align.contracts.snapshot_files import SnapshotManifest
from annotate.clock import in_utc
from annotate.interfaces import Trainer
from annotate.training.planning.missing_images import left_out_sentence
from annotate.training.planning.new_votes import counts_of, snapshot_manifest
from annotate.training.run_deletion import RunDeletion
from annotate.training.samples.run_samples import sample_file, samples_of
from annotate.views.activity import CurrentRun
from annotate.views.training import RunDetail, RunProgress, RunView
from annotate.wording import percent, quantity
from storage.records import Run, Version
from storage.store import Store

logger = logging.getLogger(__name__)

ACTIVE_STATES = ("queued", "running", "paused")
RESUMABLE_STATES = ("paused", "cancelled", "interrupted", "failed")
LOG_BYTES, LOG_LINES = 16_384, 60
"""Of the end of a log: enough for a traceback, where the whole may have megabytes."""
VersionsByRun = dict[str | None, Version]
"""Versions by the id of the run that made each."""
View = TypeVar("View", bound=RunView)


class RunStatusReader:
    """Reader of the status of runs, from the store and the run folders."""

    def __init__(self, store: Store, trainer: Trainer, model_id: str) -> None:
        self._store = store
        self.deletion = RunDeletion(store)
        self._trainer = trainer
        self._model_id = model_id

    def status(self, run_id: str) -> RunProgress:
        """Return state, progress from 0 to 1, seconds left, version and error of a run."""
        run = self._store.run(run_id)
        manifest = snapshot_manifest(self._store, run)
        return _progress(run, self._status(run), manifest, self._versions_by_run())

    def detail(self, run_id: str) -> RunDetail:
        """Return everything about one run, its metrics included; raises DeletedRun, UnknownRun."""
        run = self.deletion.require(run_id)
        status, run_dir = self._status(run), self._store.run_dir(run_id)
        return {
            **self._row(run, status, self._versions_by_run()),
            "sheet_url": f"sheet/{run_id}.png" if self.sheet_file(run_id) else None,
            "phase": status.phase,
            "step": status.step,
            "steps": status.steps,
            "metrics": self._metrics(run),
            "samples": samples_of(run_dir),
            "all_settings": self._settings(run),
            "log": log_tail(run_dir),
        }

    def runs(self) -> list[RunView]:
        """Return all runs that were not deleted, newest first."""
        versions, deleted = self._versions_by_run(), set(self.deletion.deleted())
        return [
            self._row(run, self._status(run), versions)
            for run in self._store.runs(self._model_id)
            if run.run_id not in deleted
        ]

    def sheet_file(self, run_id: str) -> Path | None:
        """Return the image grid that a run's checks rendered; None if there is none."""
        file = self._store.run_dir(run_id) / "evaluation" / "grid.png"
        return file if file.is_file() else None

    def sample_file(self, run_id: str, name: str) -> Path | None:
        """Return an image that a run rendered while it trained; None if there is none."""
        return sample_file(self._store.run_dir(run_id), name)

    def _row(self, run: Run, status: RunStatus, versions: VersionsByRun) -> RunView:
        # It names every file of the snapshot: large enough to be read once only.
        manifest = snapshot_manifest(self._store, run)
        return {
            "run_id": run.run_id,
            **_progress(run, status, manifest, versions),
            "trigger": run.trigger,
            "created": in_utc(run.created),
            "settings": run.settings,
            "snapshot": run.snapshot_id,
            "counts": counts_of(manifest),
            "sources": manifest.get("sources", {}) if manifest else {},
            "result": status.result,
        }

    def _status(self, run: Run) -> RunStatus:
        try:
            return self._trainer.status(self._store.run_dir(run.run_id))
        except Exception:
            # One damaged folder must not hide the other runs.
            logger.exception("the folder of run %s cannot be read", run.run_id)
            return RunStatus(run.state)

    def _metrics(self, run: Run) -> list[MetricsRow]:
        """Return the metrics of a run; none where they cannot be read."""
        try:
            return self._trainer.metrics(self._store.run_dir(run.run_id))
        except (OSError, ValueError, KeyError):
            logger.exception("the metrics of run %s cannot be read", run.run_id)
            return []

    def _settings(self, run: Run) -> dict[str, Any]:
        """Return all settings of a run; none where its folder is damaged."""
        try:
            return self._trainer.settings(self._store.run_dir(run.run_id))
        except (PalateError, OSError, ValueError, KeyError):
            return {}

    def _versions_by_run(self) -> VersionsByRun:
        return {
            known.run_id: known for known in self._store.version_labels.versions(self._model_id)
        }


def log_tail(run_dir: Path) -> list[str]:
    """Return the last lines of what a trainer printed; none where it has printed nothing."""
    try:
        with (run_dir / "log.txt").open("rb") as file:
            start = max(0, file.seek(0, 2) - LOG_BYTES)
            file.seek(start)
            text = file.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    lines = text.splitlines()
    # The first one is cut where the tail begins in the middle of it.
    return lines[1 if start else 0 :][-LOG_LINES:]


def _progress(
    run: Run, status: RunStatus, manifest: SnapshotManifest | None, versions: VersionsByRun
) -> RunProgress:
    done, version = run.state == RunState.DONE, versions.get(run.run_id)
    under_way = run.state == RunState.RUNNING
    # The store knows it as under way: only its folder tells that it makes room just now.
    paused = under_way and status.state == RunState.PAUSED
    progress: RunProgress = {
        "state": (RunState.PAUSED if paused else run.state).value,
        "progress": 1.0 if done else status.progress,
        "eta_s": status.eta_s if under_way else None,
        "version": version.version if version else None,
        "error": run.error,
    }

    if left_out := _left_out(manifest):
        progress["left_out"] = left_out
    if under_way and status.cancelling:
        progress["cancelling"] = True
    if trouble := _silence(run, status):
        progress["trouble"] = trouble
    return progress


def _left_out(manifest: SnapshotManifest | None) -> str | None:
    """Return a sentence on votes with missing images; None if there are none."""
    lost_images = manifest.get("lost_images", {}) if manifest else {}
    return left_out_sentence(counts_of(manifest).get("image_lost", 0), lost_images)


def _silence(run: Run, status: RunStatus) -> str | None:
    """Return a sentence on a trainer that stopped answering; None if it answers."""
    if run.state != RunState.RUNNING or not status.silent_s:
        return None
    minutes = quantity(int(status.silent_s / 60), "minute")
    return f"It has not answered for {minutes}. Cancel it, then resume it."


def run_sentence(run: CurrentRun) -> str:
    """Describe the progress of a run in a sentence."""
    words = f"Fine-tuning: {percent(run['progress'])}"
    if run.get("cancelling"):
        return f"{words}, cancelling."
    if run["state"] == RunState.PAUSED:
        return f"{words}, paused while images are rendered."
    if trouble := run.get("trouble"):
        return f"{words}. {trouble}"

    eta_s = run["eta_s"]
    if eta_s is None:
        return f"{words}."
    if eta_s < 5:
        return f"{words}, nearly done."
    if eta_s < 90:
        return f"{words}, about {eta_s:.0f} s left."
    return f"{words}, about {in_words(eta_s)} left."


def problem_sentence(error: Exception) -> str:
    """Return why runs are not followed, or the one that is due does not start."""
    # Saved settings that cannot be used: the error says which, and where to mend them.
    return str(error) if isinstance(error, InvalidInput) else f"Runs cannot be followed: {error}"


def current_run(runs: Sequence[View]) -> View | None:
    """Return the run that trains, else the one that waits, else the newest; None without any.

    An older run that was resumed is the current one, though newer ones have ended.
    """
    for states in (("running", "paused"), ("queued",)):
        for run in runs:
            if run["state"] in states:
                return run
    return runs[0] if runs else None


def resume_refusal(run: RunView, runs: Sequence[RunView]) -> str | None:
    """Return why a run that has ended cannot be resumed now; None where it can."""
    if run["state"] not in RESUMABLE_STATES:
        return None
    others = [each for each in runs if each["run_id"] != run["run_id"]]
    other = next((each for each in others if each["state"] in ACTIVE_STATES), None)
    if other is None:
        return None
    doing = "waits to start" if other["state"] == "queued" else "is under way"
    return f"Run {other['run_id']} {doing}. Wait for its end or cancel it, then resume this one."
