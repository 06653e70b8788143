"""Preparation of runs: the votes frozen in a snapshot, and the run folder filled."""

from collections.abc import Sequence
from typing import Any

from align.contracts.models import ModelInfo
from align.contracts.run_files import RunState
from annotate.interfaces import Trainer
from annotate.rendering.studio_look import StudioLook
from annotate.training.planning.known_device import KnownDevice
from annotate.training.planning.new_votes import NewVotes, split_voter
from annotate.training.planning.run_paces import RunPaces
from annotate.training.planning.vote_sources import VoteSources
from annotate.training.samples.sample_choice import sample_prompts
from storage.records import Run, Version
from storage.store import Store


class RunPreparation:
    """Prepares the runs of a model, on its votes and in its look as they are by then."""

    def __init__(
        self,
        store: Store,
        trainer: Trainer,
        model: ModelInfo,
        model_id: str,
        new_votes: NewVotes,
        look: StudioLook,
        sources: VoteSources,
        device: KnownDevice,
        unseen: Sequence[str] = (),
    ) -> None:
        """`unseen` are prompts that nobody labels, some of which every run renders."""
        self._store, self._trainer, self._device = store, trainer, device
        self._model, self._model_id = model, model_id
        self._new_votes, self._look, self._sources = new_votes, look, sources
        self._unseen = unseen
        self._paces = RunPaces(store, trainer, model_id)

    def initial_version(self, settings: dict[str, Any]) -> Version:
        """Return the version that a run starts from; raises storage's UnknownVersion."""
        # The former name is accepted for one release, as the trainer accepts it.
        named = settings.get("init_from", settings.get("start", "base"))
        return self._store.version(self._model_id, str(named))

    def prepare(self, settings: dict[str, Any], trigger: str) -> Run:
        """Freeze the votes and record a run on them, whose folder is ready for a trainer.

        Raises storage's NoVotes or UnknownVersion, or what the trainer raises, and then the run is
        recorded as failed.
        """
        parent = self.initial_version(settings)
        voter, trainer_settings = split_voter(settings)
        others = self._sources.chosen(settings)
        # Weights first: the snapshot holds each vote with its annotator's weight.
        self._new_votes.update_weights()
        snapshot = self._store.write_snapshot(
            *(self._model_id, self._new_votes.settle_s, voter, others),
            self._sources.brought(settings),
        )
        run = self._store.create_run(
            snapshot.snapshot_id, self._model_id, parent.version, settings, trigger
        )

        run_dir, look = self._store.run_dir(run.run_id), self._look.for_runs()
        try:
            self._trainer.prepare(
                run_dir,
                snapshot.path,
                self._model,
                trainer_settings,
                parent.adapter,
                look,
                self._device.sampler(),
                sample_prompts(snapshot.path, self._unseen),
                self._paces.measured(),
            )
        except Exception as error:
            self._store.set_run_state(run.run_id, RunState.FAILED, str(error))
            raise
        return run
