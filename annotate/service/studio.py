"""The studio: the one facade that pages and programs call, in plain values.

Studio ── PairAssigner      pairs to label, leases, votes, undo
       ── PairPool          pairs rendered ahead         ── Renderer ── Sampler (handed in)
       ── TrainingRuns      runs and their queue         ── Trainer (handed in)
       ── ComparisonGrid    same prompts, more versions  ── Renderer
       ── BestOfN           the best of many images      ── ComparisonGrid
       ── BlindTests        blind tests of two versions  ── ComparisonGrid
       ── RunStatusReader   status of runs
       ── Accounts          people who may sign in
       ── Insights          habits of annotators, and what their votes prefer
       ── ImageImporter     images that people bring
       ── VersionRegistry   names, notes, exports, imports, deletions ── Converter (handed in)
       ── VersionSender     versions in the LoRA folder of another program
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from align.contracts.models import ModelInfo
from annotate.auth.accounts import Accounts
from annotate.blind_tests.trials import BlindTests
from annotate.clock import Monotonic, WallClock
from annotate.comparison.best_of_n import BestOfN
from annotate.comparison.grid import Cell, ComparisonGrid, addresses, before_and_after
from annotate.comparison.mixes import as_mixes
from annotate.image_import.context import ImportContext
from annotate.image_import.importer import ImageImporter
from annotate.insights.active_learning import ActiveLearner
from annotate.insights.insights import Insights
from annotate.interfaces import Converter, Sampler, Trainer
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.rendering.pair_pool import MIN_READY_PAIRS, PairPool
from annotate.rendering.prompt_sources import PromptSampler, check_prompts, prompts_for
from annotate.rendering.renderer import Renderer
from annotate.service.labeling import Labeling
from annotate.service.status import StudioStatus
from annotate.training.new_votes import NewVotes
from annotate.training.run_status import RunStatusReader
from annotate.training.runs import TrainingRuns
from annotate.training.trigger import Trigger
from annotate.validation import as_items, as_settings, as_text
from annotate.versions.registry import VersionRegistry
from annotate.versions.release_gate import require_passed_checks
from annotate.versions.sending import VersionSender
from annotate.views.activity import ActivityView
from annotate.views.comparison import BeforeAfterUrls
from annotate.views.model_versions import ListedVersion
from annotate.views.pair_rendering import AddedPrompts, SamplerView
from annotate.views.training import PlanView, RunDetail, RunProgress, RunView, StartedRun
from storage.store import Store

PASTED = "pasted"
"""Source of prompts that a person added in the page, as the store records it."""


class Studio(Labeling):
    """Studio of one model in one folder; thread-safe between `start` and `close`."""

    def __init__(
        self,
        store: Store,
        sampler: Sampler,
        trainer: Trainer,
        model: ModelInfo,
        train_every: int = 50,
        train_at: str | None = None,
        *,
        prompts: Sequence[str] | None = None,
        settle_s: float = 10.0,
        watch_s: float = 1.0,
        chance: Random | None = None,
        clock: Monotonic = time.monotonic,
        now: WallClock = datetime.now,
        converter: Converter | None = None,
        min_ready: int = MIN_READY_PAIRS,
    ) -> None:
        """Wire the parts together; `prompts` replace the built-in ones. Raises InvalidSchedule.

        Args:
            settle_s: Seconds after which a vote is settled, and a run may learn from it.
            watch_s: Seconds between two looks at the run under way.
            min_ready: Pairs to keep ready at least, when nobody votes.
        """
        chance, trigger = chance or SystemRandom(), Trigger(train_every, train_at, now)
        # The id under which this studio knows the model; it may be older than its identity.
        model_id = store.aliases.base_of(model.identity, model.aliases)
        self._training_prompts, blind_test_prompts = prompts_for(model.path, prompts)
        self._prompt_source = "file" if prompts else "built-in"
        self._prompt_sampler = PromptSampler(self._training_prompts, chance)

        insights = Insights(store, model_id, chance, clock)
        self._active_learner = ActiveLearner(store, model_id, insights.image_features, chance)
        assigner = self._new_assigner(store, insights, model_id, clock, chance)
        renderer, quads = Renderer(sampler, model, model_id), QuadAssigner(store, model_id, clock)
        new_votes = NewVotes(store, assigner, model_id, settle_s, insights.weigh)
        rendering = (store, sampler, renderer, assigner, self._prompt_sampler)
        pool = PairPool(*rendering, model_id, chance, clock, quads, min_ready)
        learning = (pool, new_votes, trigger, clock, watch_s, model_id)
        self._runs = TrainingRuns(store, sampler, trainer, model, *learning)
        self._grid = ComparisonGrid(store, renderer, pool, model_id)
        blind_tests = self._new_blind_tests(
            store, assigner, model_id, blind_test_prompts, chance, clock, model.name
        )

        super().__init__(
            store, assigner, pool, quads, blind_tests, insights, new_votes, trigger, model_id
        )
        self.best_of_n = BestOfN(
            store, renderer, self._grid, pool, model_id, self._active_learner.scorer
        )
        self._run_status = RunStatusReader(store, trainer, model_id)
        self._status = StudioStatus(
            sampler, assigner, pool, self._runs, self._run_status, self._active_learner, store
        )
        self.registry = VersionRegistry(store, trainer, converter, model, model_id)
        self.sender = VersionSender(store, self.registry, model, lambda: renderer.settings)
        self.disk, self.accounts = store.disk, Accounts(store.people)
        self.importer = self._new_importer(chance, clock)

    def _new_assigner(
        self, store: Store, insights: Insights, model_id: str, clock: Monotonic, chance: Random
    ) -> PairAssigner:
        learner, control = self._active_learner, insights.quality_control
        return PairAssigner(
            store, model_id, clock, chance, learner.pick, learner.selection_of, control.maybe_issue
        )

    def _new_blind_tests(
        self,
        store: Store,
        assigner: PairAssigner,
        model_id: str,
        prompts: Sequence[str],
        chance: Random,
        clock: Monotonic,
        model_name: str,
    ) -> BlindTests:
        return BlindTests(
            store,
            assigner,
            self._grid,
            model_id,
            self._prompt_sampler,
            prompts,
            self.activate,
            chance,
            clock,
            model_name,
        )

    def _new_importer(self, chance: Random, clock: Monotonic) -> ImageImporter:
        reserved = self.blind_tests.reserved_prompts
        context = ImportContext(
            self._store, self._assigner, self._model_id, reserved, chance, clock
        )
        return ImageImporter(context)

    def start(self) -> None:
        """Resume what the store holds, and start the image model and the threads."""
        self._store.ensure_base(self._model_id)
        self._store.add_prompts(self._training_prompts, self._prompt_source)

        reserved = self.blind_tests.reserved_prompts()
        self._prompt_sampler.drop(reserved)
        pasted = (p.text for p in self._store.prompts() if p.source == PASTED)
        self._prompt_sampler.add(text for text in pasted if text not in reserved)

        self._assigner.open(self._store.active(self._model_id).version)
        # The image model before the runs: a run that is resumed asks for the sampler's device.
        self._pool.start()
        self._runs.start()
        self._active_learner.start()
        self.blind_tests.start()

    def close(self) -> None:
        """Stop the threads and the image model; a trainer under way goes on for the next app."""
        self._active_learner.close()
        self.importer.close()
        self.registry.stop()
        self._runs.close()
        self._pool.close()
        self.blind_tests.close()

    def add_prompts(self, prompts: list[str] | str) -> AddedPrompts:
        """Add prompts, a list or one per line, and return how many are new and how many in all.

        Prompts reserved for blind tests are left out. Raises InvalidPrompts.
        """
        reserved = self.blind_tests.reserved_prompts()
        texts = [text for text in check_prompts(prompts) if text not in reserved]
        self._prompt_sampler.require_room(texts)
        self._store.add_prompts(texts, PASTED)
        return {"added": self._prompt_sampler.add(texts), "total": len(self._prompt_sampler)}

    def image_file(self, image_id: str) -> Path | None:
        """Return the file of an image by the id in its URL; None for an unknown one."""
        image = self._store.image(image_id)
        return self._store.image_path(image.sha256) if image else None

    @property
    def recovered(self) -> list[str]:
        """Problems that were found in the database when it was opened, and their repairs."""
        return self._store.opening.recovered

    def notices(self) -> list[str]:
        """Return sentences on the database that an admin should know."""
        problem = self._store.opening.problem
        return [*self._store.opening.recovered, *([problem] if problem else [])]

    def activity(self) -> ActivityView:
        """Return what the app is doing now."""
        return self._status.activity()

    def retry_model(self) -> SamplerView:
        """Try again now to load a model that failed to load, and return the sampler's state."""
        self._pool.retry()
        return self._status.activity()["sampler"]

    # Fine-tuning and versions

    def plan(self, settings: dict[str, Any] | str) -> PlanView:
        """Return what a run would be; raises NothingToLearn, or what the trainer raises."""
        return self._runs.plan(as_settings(settings))

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

    def cancel_run(self, run_id: str) -> RunProgress:
        """Stop a run, which may take a moment, and return its status."""
        self._runs.cancel(as_text(run_id, "The run_id"))
        return self._run_status.status(run_id)

    def resume_run(self, run_id: str) -> RunProgress:
        """Resume a canceled, interrupted or failed run, and return its status."""
        self._runs.resume(as_text(run_id, "The run_id"))
        return self._run_status.status(run_id)

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
