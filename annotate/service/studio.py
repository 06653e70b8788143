"""The studio: everything that a page or a program can ask Palate for, in plain values.

Studio ── PairAssigner     who labels which pair, votes, undo
       ── PairPool         pairs rendered ahead        ── Renderer ── Sampler (handed in)
       ── TrainingRuns           runs and their queue        ── Trainer (handed in)
       ── ComparisonGrid   same prompts, more versions ── Renderer
       ── BestOfN          the best of many images     ── ComparisonGrid
       ── BlindTests           blind tests of two versions ── ComparisonGrid
       ── RunStatusReader          what is told about runs and versions
       ── accounts         who may sign in, where the app asks for it
       ── Insights         how votes are given, and what they like
       ── material         images that people bring
       ── library          names, notes, exports, imports, deletions ── Converter (handed in)
"""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

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
from annotate.interfaces import Converter, ModelInfo, Sampler, Trainer
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import BestWorstQueue
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.prompt_sources import PromptSampler, check_prompts, prompts_for
from annotate.rendering.renderer import Renderer
from annotate.service.labeling import Labeling
from annotate.service.status import StudioStatus
from annotate.training.new_votes import NewVotes
from annotate.training.run_status import RunStatusReader
from annotate.training.runs import TrainingRuns
from annotate.training.trigger import Trigger
from annotate.validation import (
    as_items,
    as_settings,
    as_text,
)
from annotate.versions.registry import VersionRegistry
from annotate.versions.release_gate import require_passed_checks
from storage.store import Store

PASTED = "pasted"


class Studio(Labeling):
    """One model in one studio folder; safe from any thread between `start` and `close`."""

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
        chance: random.Random | None = None,
        clock: Monotonic = time.monotonic,
        now: WallClock = datetime.now,
        converter: Converter | None = None,
    ) -> None:
        """Take what the app was started with; `prompts` take the place of the built-in ones.

        Raises InvalidSchedule.
        """
        chance = chance or random.SystemRandom()
        trigger = Trigger(train_every, train_at, now)
        # Its own name in this studio, which may be an older one than its identity.
        model_id = store.aliases.base_of(model.identity, model.aliases)
        self._given, set_aside = prompts_for(model.path, prompts)
        self._given_source = "file" if prompts else "built-in"
        self._prompt_sampler = PromptSampler(self._given, chance)
        assigner, renderer = (
            PairAssigner(store, model_id, clock, chance),
            Renderer(sampler, model, model_id),
        )
        quads, new_votes = (
            BestWorstQueue(store, model_id, clock),
            NewVotes(store, assigner, model_id, settle_s),
        )
        pool = PairPool(
            store, sampler, renderer, assigner, self._prompt_sampler, model_id, chance, clock, quads
        )
        self._runs = TrainingRuns(
            store, sampler, trainer, model, pool, new_votes, trigger, clock, watch_s, model_id
        )
        self._grid = ComparisonGrid(store, renderer, pool, model_id)
        blind_tests = BlindTests(
            store,
            assigner,
            self._grid,
            model_id,
            self._prompt_sampler,
            set_aside,
            self.activate,
            chance,
            clock,
            model.name,
        )
        super().__init__(store, assigner, pool, quads, blind_tests, new_votes, trigger, model_id)
        self.insights = Insights(store, model_id, chance, clock)
        self._active_learner = ActiveLearner(store, model_id, self.insights.image_features, chance)
        self._advise()
        self.best_of_n = BestOfN(
            store, renderer, self._grid, pool, model_id, self._active_learner.judge
        )
        self._run_status = RunStatusReader(store, trainer, model_id)
        self._status = StudioStatus(
            sampler, assigner, pool, self._runs, self._run_status, self._active_learner, store
        )
        self.importer = ImageImporter(
            ImportContext(store, assigner, model_id, blind_tests.reserved_prompts, chance, clock)
        )
        self.registry = VersionRegistry(store, trainer, converter, model, model_id)
        self.disk = store.disk
        self.accounts = Accounts(store.people)

    def _advise(self) -> None:
        """Let what is known of votes say which pair is next, what it counts and what is liked."""
        self._assigner.pick, self._assigner.choice_of = (
            self._active_learner.pick,
            self._active_learner.choice_of,
        )
        self._assigner.on_purpose = self.insights.quality_control.maybe_issue
        self._new_votes.update_weights = self.insights.weigh
        self.sessions.own = self.insights.own

    def start(self) -> None:
        """Take up what the store holds, and start the image model and the threads."""
        self._store.ensure_base(self._model_id)
        self._store.add_prompts(self._given, self._given_source)
        kept = self.blind_tests.reserved_prompts()
        self._prompt_sampler.drop(kept)
        pasted = (p.text for p in self._store.prompts() if p.source == PASTED)
        self._prompt_sampler.add(text for text in pasted if text not in kept)
        self._assigner.open(self._store.active(self._model_id).version)
        self._pool.start()
        self._runs.start()
        self._active_learner.start()
        self.blind_tests.start()

    def close(self) -> None:
        """Stop the threads and the image model; a trainer goes on for the next app to adopt."""
        self._active_learner.close()
        self.importer.close()
        self.registry.stop()
        self._runs.close()
        self._pool.close()
        self.blind_tests.close()

    def add_prompts(self, prompts: list[str] | str) -> dict[str, int]:
        """Add prompts, a list or one a line, and return how many are new and in all."""
        kept = self.blind_tests.reserved_prompts()
        texts = [text for text in check_prompts(prompts) if text not in kept]
        self._prompt_sampler.require_room(texts)
        self._store.add_prompts(texts, PASTED)
        return {"added": self._prompt_sampler.add(texts), "total": len(self._prompt_sampler)}

    def image_file(self, image_id: str) -> Path | None:
        """Return the file of an image by the id in its address; None for an unknown one."""
        image = self._store.image(image_id)
        return self._store.image_path(image.sha256) if image else None

    @property
    def recovered(self) -> list[str]:
        """What was wrong with the database when it was opened, and what was done."""
        return self._store.opening.recovered

    def notices(self) -> list[str]:
        """Say what somebody should know of the database, in sentences."""
        problem = self._store.opening.problem
        return [*self._store.opening.recovered, *([problem] if problem else [])]

    def activity(self) -> dict[str, Any]:
        """Say what the app is doing now."""
        return self._status.activity()

    def retry_model(self) -> dict[str, Any]:
        """Try again now to load a model that could not be loaded, and say where it stands."""
        self._pool.retry()
        sampler: dict[str, Any] = self._status.activity()["sampler"]
        return sampler

    # Fine-tuning and versions

    def plan(self, settings: dict[str, Any] | str) -> dict[str, Any]:
        """Say what a run would be; raises NothingToLearn, or what the trainer raises."""
        return self._runs.plan(as_settings(settings))

    def fine_tune(self, settings: dict[str, Any] | str) -> dict[str, str]:
        """Start or queue a run on all votes so far; waits until they are settled."""
        return {"run_id": self._runs.fine_tune(as_settings(settings)).run_id}

    def run_status(self, run_id: str) -> dict[str, Any]:
        """Return state, progress from 0 to 1, seconds left, the version made and the error."""
        return self._run_status.status(as_text(run_id, "The run_id"))

    def run_detail(self, run_id: str) -> dict[str, Any]:
        """Return everything about a run, its metrics too."""
        return self._run_status.detail(as_text(run_id, "The run_id"))

    def sheet_file(self, run_id: str) -> Path | None:
        """Return what a run's checks drew; raises UnknownRun."""
        return self._run_status.sheet_file(run_id)

    def cancel_run(self, run_id: str) -> dict[str, Any]:
        """Stop a run, which may take a moment, and return its status."""
        self._runs.cancel(as_text(run_id, "The run_id"))
        return self._run_status.status(run_id)

    def resume_run(self, run_id: str) -> dict[str, Any]:
        """Let a cancelled, interrupted or failed run go on, and return its status."""
        self._runs.resume(as_text(run_id, "The run_id"))
        return self._run_status.status(run_id)

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, newest first."""
        return self._run_status.runs()

    def versions(self) -> list[dict[str, Any]]:
        """Return all versions, oldest first."""
        return self._run_status.versions()

    def activate(self, version: str, anyway: bool = False) -> list[dict[str, Any]]:
        """Let new pairs come from a version, and return all versions.

        Raises ReleaseBlocked for one that failed its checks, unless it is wanted `anyway`.
        """
        known = self._store.version(self._model_id, as_text(version, "The version"))
        if not anyway:
            require_passed_checks(known)
        self.registry.require_file(version)
        self._store.activate(self._model_id, version)
        self._assigner.switch(version)
        self._pool.wake()
        return self._run_status.versions()

    def compare(self, prompt: str, seed: int, before: str, after: str) -> dict[str, str]:
        """Draw one prompt and seed with two versions and return where the images are."""
        drawn = self.compare_many([prompt], [seed], before, after)
        return next(drawn)[0]

    def compare_many(
        self, prompts: Sequence[str], seeds: Sequence[int], before: str, after: str
    ) -> Iterator[dict[int, dict[str, str]]]:
        """Draw every prompt with every seed, and return where the images are as they are drawn.

        Each group says so by place; places count prompt by prompt.
        """
        return before_and_after(self.compare_columns(prompts, seeds, [before, after]))

    def compare_columns(
        self, prompts: Sequence[str], seeds: Sequence[int], columns: Sequence[str]
    ) -> Iterator[dict[Cell, str]]:
        """Draw every prompt with every seed in each column: a version, a strength or a mix."""
        items, mixes = as_items(prompts, seeds), as_mixes(columns)
        return addresses(self._grid.compare(items, mixes))
