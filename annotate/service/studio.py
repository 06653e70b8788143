"""The studio: the one facade that pages and programs call, in plain values.

Studio ── PairAssigner      pairs to label, leases, votes, undo
       ── PairPool          pairs rendered ahead         ── Renderer ── Sampler (handed in)
       ── Preparation       pairs asked for by number    ── PreparedPairs
       ── LookControl       what images are rendered with  ── StudioLook
       ── PromptControl     what they are made from      ── ProjectPrompts
       ── TrainingRuns      runs and their queue         ── Trainer (handed in)
       ── ComparisonGrid    same prompts, more versions  ── Renderer
       ── BestOfN           the best of many images      ── ComparisonGrid
       ── BlindTests        blind tests of two versions  ── ComparisonGrid
       ── RunStatusReader   status of runs
       ── RunChanges        what the newest run changed
       ── Accounts          people who may sign in
       ── Insights          habits of annotators, and what their votes prefer
       ── DataControl       votes that come in and go out, backups and merges  ── DataJobs
       ── ImageImporter     images that people bring
       ── VersionRegistry   names, notes, exports, imports, deletions ── Converter (handed in)
       ── VersionSender     versions in the LoRA folder of another program
       ── ModelReadings     what the model predicts, where its file does not tell
       ── ModelChoice       other models, one of which can be opened  ── Models (handed in)
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from align.contracts.models import ModelInfo
from annotate.auth.accounts import Accounts
from annotate.blind_tests.trials import BlindTests
from annotate.clock import Monotonic, WallClock
from annotate.comparison.best_of_n import BestOfN
from annotate.comparison.grid import ComparisonGrid
from annotate.data_jobs.jobs import DataJobs
from annotate.errors import ModelBusy
from annotate.image_import.context import ImportContext
from annotate.image_import.importer import ImageImporter
from annotate.insights.active_learning import ActiveLearner
from annotate.insights.insights import Insights
from annotate.interfaces import Converter, Models, Sampler, Trainer
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.rendering.kept_winners import KeptWinners
from annotate.rendering.model_readings import ModelReadings, as_chosen
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.pool_target import MIN_READY_PAIRS
from annotate.rendering.prepared_pairs import PreparedPairs
from annotate.rendering.prompts.project_prompts import ProjectPrompts
from annotate.rendering.prompts.prompt_variations import WILDCARDS, PromptVariations
from annotate.rendering.renderer import Renderer
from annotate.rendering.studio_look import StudioLook
from annotate.service.changes import RunChanges
from annotate.service.data_control import DataControl
from annotate.service.labeling import Labeling
from annotate.service.look_control import LookControl
from annotate.service.model_choice import ModelChoice
from annotate.service.next_run import NextRun
from annotate.service.preparation import Preparation
from annotate.service.prompt_control import PromptControl
from annotate.service.status import StudioStatus
from annotate.service.tuning import Tuning
from annotate.service.version_images import VersionImages
from annotate.training.automatic.activation_policy import ActivationPolicy
from annotate.training.automatic.trigger import Trigger
from annotate.training.planning.new_votes import NewVotes
from annotate.training.planning.vote_sources import VoteSources
from annotate.training.run_status import RunStatusReader
from annotate.training.runs import TrainingRuns
from annotate.training.turns import TurnRules
from annotate.versions.registry import VersionRegistry
from annotate.versions.sending import VersionSender
from annotate.views.activity import ActivityView
from annotate.views.pair_rendering import AddedPrompts, SamplerView
from storage.store import Store

CLOSING = "Palate is closing. Start it again, then open the model."
IMPORTING = (
    "A folder of images is being read for this model. Wait for its end or stop it under Import "
    "images, then open the other model."
)


class Studio(Labeling, Tuning):
    """Studio in one folder with one model open; thread-safe between `start` and `close`."""

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
        models: Models | None = None,
        min_ready: int = MIN_READY_PAIRS,
        wildcards: Sequence[Path] = (),
        turn_rules: TurnRules | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        """Wire the parts together; `prompts` replace the built-in ones. Raises InvalidSchedule.

        Args:
            settle_s: Seconds after which a vote is settled, and a run may learn from it.
            watch_s: Seconds between two looks at the run under way.
            min_ready: Pairs to keep ready at least, when nobody votes.
            models: The other models that can be opened.
            turn_rules: How runs and sampler share a device that holds only one of them.
        """
        self._trainer, self._converter = trainer, converter
        self._trigger = Trigger(train_every, train_at, now)
        self._prompts_given, self._wildcards, self._notices = prompts, wildcards, notices
        self._settle_s, self._watch_s, self._turn_rules = settle_s, watch_s, turn_rules
        self._chance, self._clock, self._min_ready = chance or SystemRandom(), clock, min_ready
        self.disk, self.accounts = store.disk, Accounts(store.people)
        self._opening, self._closed, self._data_jobs = threading.RLock(), False, DataJobs(clock)
        known: Callable[[ModelInfo], ModelInfo] = partial(as_chosen, store)
        self._wire(store, sampler, known(model))
        self.models = ModelChoice(
            models, lambda: self._model, self.activity, self.open_model, known
        )

    def _wire(self, store: Store, sampler: Sampler, model: ModelInfo) -> None:
        """Make everything that belongs to one model."""
        chance, clock = self._chance, self._clock
        self._sampler, self._model = sampler, model
        # The id under which this studio knows the model; it may be older than its identity.
        model_id = store.aliases.base_of(model.identity, model.aliases)
        variations = PromptVariations([store.images_dir.parent / WILDCARDS, *self._wildcards])
        prompts = ProjectPrompts(store, model, model_id, self._prompts_given, chance, variations)
        self._prompt_sampler, self._project_prompts = prompts.sampler, prompts

        insights = Insights(store, model_id, chance, clock)
        self._active_learner = ActiveLearner(store, model_id, insights.image_features, chance)
        look = StudioLook(store, model, model_id, self._converter)
        prepared = PreparedPairs(store, model_id, look)
        serving = (
            lambda: look.stale_pairs() | prompts.stale_pairs(),
            lambda: prepared.versions,
        )
        assigner = self._new_assigner(store, insights, model_id, *serving)
        renderer = Renderer(sampler, look, model_id)
        quads = QuadAssigner(
            store, model_id, clock, lambda: look.stale_quads() | prompts.stale_quads()
        )
        new_votes = NewVotes(store, assigner, model_id, self._settle_s, insights.weigh)
        made_of = (assigner, self._prompt_sampler, model_id, chance, clock)
        kept_winners = KeptWinners(store, renderer, *made_of)
        pool = PairPool(
            store, sampler, renderer, *made_of, quads, kept_winners, prepared, self._min_ready
        )
        self.vote_sources = VoteSources(store, model_id, model.name, look)
        learning = (store, sampler, self._trainer, model, pool, new_votes, self._trigger, clock)
        shown = (look, self.vote_sources, prompts.reserved)
        policy = ActivationPolicy(store, model_id, self.activate)
        following = (self._watch_s, model_id, *shown, policy.after_run, self._turn_rules)
        self._runs = TrainingRuns(*learning, *following)
        runs = (self._runs, self._trainer, model, model_id, self._trigger, new_votes, policy)
        self.next_run = NextRun(store, *runs)
        self.look = LookControl(look, assigner, quads, pool, prepared)
        self.preparation = Preparation(store, model_id, prepared, pool, assigner, look)
        self.readings = ModelReadings(store, model, model_id, renderer, self._reopen)
        self._grid = ComparisonGrid(store, renderer, pool, model_id, variations)
        blind_tests = self._new_blind_tests(store, assigner, model_id, prompts.reserved, policy)
        reserved = blind_tests.reserved_prompts
        self.prompts = PromptControl(store, prompts, pool, assigner, quads, reserved)
        labeling = (store, assigner, pool, quads, kept_winners, blind_tests, insights, new_votes)
        Labeling.__init__(self, *labeling, self._trigger, model_id)
        self.best_of_n = BestOfN(
            store, renderer, self._grid, pool, model_id, self._active_learner.scorer
        )
        self._run_status = RunStatusReader(store, self._trainer, model_id)
        doing = (self.activate, self.plan, self.fine_tune, lambda: self.next_run.known)
        self.changes = RunChanges(store, model_id, *doing)
        told = (self._runs, self._run_status, self._active_learner, store, model_id, model.name)
        self._status = StudioStatus(sampler, assigner, pool, *told)
        pictured = (model, model_id, VersionImages(store, model_id).urls)
        self.registry = VersionRegistry(store, self._trainer, self._converter, *pictured)
        self.sender = VersionSender(store, self.registry, model, look.named_settings)
        self.importer = self._new_importer()
        self.data = DataControl(store, model_id, self._data_jobs)

    def _new_assigner(
        self, store: Store, insights: Insights, model_id: str, *serving: Callable[[], Any]
    ) -> PairAssigner:
        learner, control = self._active_learner, insights.quality_control
        choosing = (learner.pick, learner.selection_of, control.maybe_issue)
        return PairAssigner(store, model_id, self._clock, self._chance, *choosing, *serving)

    def _new_blind_tests(
        self,
        store: Store,
        assigner: PairAssigner,
        model_id: str,
        prompts: Sequence[str],
        policy: ActivationPolicy,
    ) -> BlindTests:
        asked = (store, assigner, self._grid, model_id, self._prompt_sampler, prompts)
        chance, clock, name = self._chance, self._clock, self._model.name
        return BlindTests(*asked, self.activate, chance, clock, name, policy)

    def _new_importer(self) -> ImageImporter:
        known = (self._store, self._assigner, self._model_id, self.blind_tests.reserved_prompts)
        return ImageImporter(ImportContext(*known, self._chance, self._clock))

    def start(self) -> None:
        """Resume what the store holds, and start the image model and the threads."""
        self._store.ensure_base(self._model_id)
        self._project_prompts.start(self.blind_tests.reserved_prompts())
        self._assigner.open(self._store.active(self._model_id).version)
        # The image model before the runs: a run that is resumed asks for the sampler's device.
        self._pool.start()
        self._runs.start()
        self._active_learner.start()
        self.blind_tests.start()

    def close(self) -> None:
        """Stop the threads and the image model; a trainer under way goes on for the next app."""
        # A model that is being opened is waited for, or its threads would outlive the studio.
        with self._opening:
            self._closed = True
            self.data.close()
            self.registry.stop()
            self._close_parts()

    def open_model(self, model: ModelInfo, new_sampler: Callable[[ModelInfo], Sampler]) -> None:
        """Open another model in place of this one, which keeps its votes and versions.

        Raises ModelBusy while a run or an import works with this one.
        """
        with self._opening:
            if self._closed or self.importer.progress is not None:
                raise ModelBusy(CLOSING if self._closed else IMPORTING)
            self._runs.close_if_idle()
            before, sampler = self._model, self._sampler
            self._close_parts()

            try:
                self._wire(self._store, new_sampler(model), model)
                self.start()
            except BaseException:
                # Whatever went wrong, nobody is left without a model.
                self._close_parts()
                self._wire(self._store, sampler, before)
                self.start()
                raise

    def _reopen(self, model: ModelInfo) -> None:
        self.models.reopen(model)

    def _close_parts(self) -> None:
        """Close what belongs to one model; an export of it goes on to its end."""
        self._active_learner.close()
        self.importer.close()
        self._runs.close()
        self._pool.close()
        self.blind_tests.close()

    def add_prompts(self, prompts: list[str] | str) -> AddedPrompts:
        """Add prompts, a list or one per line, and return how many are new and how many in all.

        Prompts reserved for blind tests are left out. Raises InvalidPrompts.
        """
        return self.prompts.add(prompts)

    def image_file(self, image_id: str) -> Path | None:
        """Return the file of an image by the id in its URL; None for an unknown one."""
        image = self._store.image(image_id)
        return self._store.image_path(image.sha256) if image else None

    @property
    def found_at_start(self) -> list[str]:
        """What is wrong with the installation, and was with the database when it was opened."""
        return [*self._notices, *self._store.opening.recovered]

    def notices(self) -> list[str]:
        """Return sentences on installation, database and runs that an admin should know."""
        problem = self._store.opening.problem
        return [*self.found_at_start, *([problem] if problem else []), *self.next_run.notices()]

    def activity(self) -> ActivityView:
        """Return what the app is doing now."""
        return self._status.activity()

    def retry_model(self) -> SamplerView:
        """Try again now to load a model that failed to load, and return the sampler's state."""
        self._pool.retry()
        return self._status.activity()["sampler"]
