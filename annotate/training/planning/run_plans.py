"""Plans of runs: what a run that is started now would be."""

from collections.abc import Mapping
from typing import Any, cast

from align.contracts.models import ModelInfo
from annotate.clock import Monotonic
from annotate.errors import NothingToLearn
from annotate.interfaces import Trainer
from annotate.labeling.vote_counts import sentence_of_plan
from annotate.training.planning.known_device import KnownDevice
from annotate.training.planning.missing_images import MissingImages, left_out_sentence
from annotate.training.planning.new_votes import names_of, split_voter
from annotate.training.planning.run_paces import RunPaces
from annotate.training.planning.vote_sources import VoteSources
from annotate.views.training import PlanView
from storage.records import OtherVotes, Voters
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
        others, brought = self._sources.chosen(settings), self._sources.brought(settings)
        of_sources = self._sources.decisive_brought(brought)
        own, left_out = (0, "") if brought.alone else self._own_votes(voter, others, of_sources)
        left_out = " ".join(filter(None, (left_out, self._sources.lost_sentence(brought))))
        if not (pairs := own + sum(of_sources.values())):
            raise NothingToLearn(nothing_to_learn(voter, left_out))

        paces, speed = self._paces.measured(), self._paces.pairs_per_s()
        sampler, chosen_here = self._device.sampler(), own if of_sources else None
        plan = self._trainer.plan(
            self._model, pairs, trainer_settings, speed, sampler, paces, chosen_here
        )
        view = cast(PlanView, plan)
        if left_out:
            view = {**view, "left_out": left_out}
        if of_sources:
            view = {**view, "sources": of_sources}
        if voter or others.names or brought.alone:
            return view
        # Of one annotator's votes, or with other models', the plan has another number.
        counts = sentence_of_plan(self._store, self._model_id)
        return {**view, "counts": counts} if counts else view

    def _own_votes(
        self, voter: Voters, others: OtherVotes, of_sources: Mapping[str, int]
    ) -> tuple[int, str]:
        """Count the decisive votes given in the studio, and say which are left out.

        Only those whose images are there count.
        """
        votes = self._store.decisive(self._model_id, voter)
        votes += self._sources.decisive(others, voter)
        if not votes:
            return 0, ""
        unusable = self._missing_images.votes_of(voter, others)
        if votes <= unusable.decisive and not sum(of_sources.values()):
            # The cached result may be outdated: check the files before refusing the run.
            unusable = self._missing_images.votes_of(voter, others, refresh=True)
        left_out = left_out_sentence(unusable.votes, unusable.images) or ""
        return max(0, votes - unusable.decisive), left_out

    def check(self, settings: dict[str, Any]) -> None:
        """Raise what is wrong with settings: InvalidRequest, or what the trainer raises."""
        _, trainer_settings = split_voter(settings)
        self._sources.chosen(settings)
        self._sources.brought(settings)
        self._trainer.plan(self._model, 1, trainer_settings, None, self._device.sampler())


def nothing_to_learn(voter: Voters, left_out: str) -> str:
    """Return why there is nothing to learn from, and what to do."""
    if left_out:
        return f"No vote is left to learn from; label new pairs. {left_out}"
    problem = f"There is no left or right vote of {names_of(voter)}" if voter else NO_VOTES
    return f"{problem} to learn from yet. Label some pairs first."
