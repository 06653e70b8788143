"""Plans of runs: what a run that is started now would be."""

from typing import Any, cast

from align.contracts.models import ModelInfo
from annotate.clock import Monotonic
from annotate.errors import NothingToLearn
from annotate.interfaces import Trainer
from annotate.labeling.vote_counts import whole_sentence
from annotate.training.planning.known_device import KnownDevice
from annotate.training.planning.missing_images import MissingImages, left_out_sentence
from annotate.training.planning.new_votes import names_of, split_voter
from annotate.training.planning.run_paces import RunPaces
from annotate.training.planning.vote_sources import VoteSources
from annotate.views.training import PlanView
from storage.store import Store

NO_VOTES = "There is no left or right vote"


class RunPlanner:
    """Plans the runs of a model, from its votes and what its runs have measured."""

    def __init__(
        self,
        store: Store,
        trainer: Trainer,
        model: ModelInfo,
        model_id: str,
        clock: Monotonic,
        sources: VoteSources,
        device: KnownDevice,
    ) -> None:
        self._store, self._trainer, self._sources = store, trainer, sources
        self._device, self._paces = device, RunPaces(store, trainer, model_id)
        self._model, self._model_id = model, model_id
        self._missing_images = MissingImages(store, model_id, clock)

    def plan(self, settings: dict[str, Any]) -> PlanView:
        """Return what a run started now would be: its pairs, steps and minutes.

        Raises NothingToLearn, or what the trainer raises about settings.
        """
        # Settings first: what is wrong with them is said even before there is a vote.
        self.check(settings)
        voter, trainer_settings = split_voter(settings)
        others = self._sources.chosen(settings)
        pairs = self._store.decisive(self._model_id, voter)
        pairs += self._sources.decisive(others, voter)
        if not pairs:
            problem = f"There is no left or right vote of {names_of(voter)}" if voter else NO_VOTES
            raise NothingToLearn(f"{problem} to learn from yet. Label some pairs first.")

        unusable = self._missing_images.votes_of(voter, others)
        if pairs <= unusable.decisive:
            # The cached result may be outdated: check the files before refusing the run.
            unusable = self._missing_images.votes_of(voter, others, refresh=True)
        left_out = left_out_sentence(unusable.votes, unusable.images)
        if pairs <= unusable.decisive:
            raise NothingToLearn(f"No vote is left to learn from; label new pairs. {left_out}")

        paces, speed = self._paces.measured(), self._paces.pairs_per_s()
        usable, sampler = pairs - unusable.decisive, self._device.sampler()
        plan = self._trainer.plan(self._model, usable, trainer_settings, speed, sampler, paces)
        view = cast(PlanView, plan)
        if left_out:
            view = {**view, "left_out": left_out}
        if voter or others.names:
            return view
        # Of one annotator's votes, or with other models', the plan has another number.
        return {**view, "counts": whole_sentence(self._store, self._model_id, mixed=False)}

    def check(self, settings: dict[str, Any]) -> None:
        """Raise what is wrong with settings: InvalidRequest, or what the trainer raises."""
        _, trainer_settings = split_voter(settings)
        self._sources.chosen(settings)
        self._trainer.plan(self._model, 1, trainer_settings, None, self._device.sampler())
