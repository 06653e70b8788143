"""Tuning half of the studio: runs, versions, and comparisons of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from annotate.comparison.grid import Cell, ComparisonGrid, addresses, before_and_after
from annotate.comparison.mixes import as_mixes
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.pair_pool import PairPool
from annotate.training.run_status import RunStatusReader
from annotate.training.runs import TrainingRuns
from annotate.validation import as_items, as_settings, as_text
from annotate.versions.registry import VersionRegistry
from annotate.versions.release_gate import require_passed_checks
from annotate.views.comparison import BeforeAfterUrls
from annotate.views.model_versions import ListedVersion
from annotate.views.training import PlanView, RunDetail, RunProgress, RunView, StartedRun
from storage.store import Store


class Tuning:
    """The tuning half of the studio, whose parts the studio wires; thread-safe."""

    registry: VersionRegistry
    _store: Store
    _model_id: str
    _assigner: PairAssigner
    _pool: PairPool
    _runs: TrainingRuns
    _run_status: RunStatusReader
    _grid: ComparisonGrid

    def plan(self, settings: dict[str, Any] | str) -> PlanView:
        """Return what a run would be; raises NothingToLearn, or what the trainer raises."""
        plan = self._runs.plan(as_settings(settings))
        if self._assigner.mixed:
            # What the votes are would tell which pairs are the blind test's.
            plan.pop("counts", None)
        return plan

    def fine_tune(self, settings: dict[str, Any] | str) -> StartedRun:
        """Start or queue a run on all votes so far; waits until they are settled."""
        return {"run_id": self._runs.fine_tune(as_settings(settings)).run_id}

    def run_status(self, run_id: str) -> RunProgress:
        """Return state, progress from 0 to 1, seconds left, the version made and the error."""
        return self._run_status.status(as_text(run_id, "The run_id"))

    def run_detail(self, run_id: str) -> RunDetail:
        """Return everything about a run, its metrics too."""
        return self._run_status.detail(as_text(run_id, "The run_id"))

    def sheet_file(self, run_id: str) -> Path | None:
        """Return the image grid that a run's checks rendered; raises UnknownRun."""
        return self._run_status.sheet_file(run_id)

    def sample_file(self, run_id: str, name: str) -> Path | None:
        """Return an image that a run rendered while it trained; None for an unknown name."""
        return self._run_status.sample_file(run_id, name)

    def cancel_run(self, run_id: str) -> RunProgress:
        """Stop a run, which may take a moment, and return its status."""
        self._runs.cancel(as_text(run_id, "The run_id"))
        return self._run_status.status(run_id)

    def resume_run(self, run_id: str) -> RunProgress:
        """Resume a canceled, interrupted or failed run, and return its status."""
        with self._run_status.deletion.kept(as_text(run_id, "The run_id")):
            self._runs.resume(run_id)
        return self._run_status.status(run_id)

    def delete_run(self, run_id: str, who: str = "me") -> int:
        """Delete a run that has ended and return the bytes freed; its version stays.

        Raises NotDeletable, DeletedRun or storage's UnknownRun.
        """
        return self._run_status.deletion.delete(as_text(run_id, "The run_id"), who)

    def runs(self) -> list[RunView]:
        """Return all runs, newest first."""
        return self._run_status.runs()

    def versions(self) -> list[ListedVersion]:
        """Return all versions, oldest first."""
        return self.registry.versions()

    def activate(self, version: str, force: bool = False) -> list[ListedVersion]:
        """Let new pairs come from a version, and return all versions.

        Raises ReleaseBlocked for a version that failed its checks, unless `force` is set.
        """
        known = self._store.version(self._model_id, as_text(version, "The version"))
        if not force:
            require_passed_checks(known)
        self.registry.require_file(version)
        self._store.activate(self._model_id, version)
        self._assigner.switch(version)
        self._pool.wake()
        return self.registry.versions()

    def compare(self, prompt: str, seed: int, before: str, after: str) -> BeforeAfterUrls:
        """Render one prompt and seed with two versions, and return the URLs of both images."""
        images = self.compare_many([prompt], [seed], before, after)
        return next(images)[0]

    def compare_many(
        self, prompts: Sequence[str], seeds: Sequence[int], before: str, after: str
    ) -> Iterator[dict[int, BeforeAfterUrls]]:
        """Render every prompt with every seed by two versions, and yield URLs as they are ready.

        Each group maps the index of an item to its URLs; items count seed by seed within a prompt.
        """
        return before_and_after(self.compare_columns(prompts, seeds, [before, after]))

    def compare_columns(
        self, prompts: Sequence[str], seeds: Sequence[int], columns: Sequence[str]
    ) -> Iterator[dict[Cell, str]]:
        """Render every prompt with every seed in each column: a version, a strength or a mix."""
        items, mixes = as_items(prompts, seeds), as_mixes(columns)
        return addresses(self._grid.render(items, mixes))

    def comparison_progress(self) -> str:
        """Return how far the images are that are compared; empty where that is quick."""
        return self._grid.watch.message
