"""Device shared by sampler and trainer: the sampler holds back, or both take turns.

Where each has one of its own, neither is held up. Where both fit on one, the pool renders few pairs
beside a run. Where they do not, the run has the device; while somebody labels and few pairs are
ready, it pauses for a turn of the sampler now and then.
"""

import logging

from align.contracts.models import ModelInfo
from align.contracts.run_files import RunStatus
from annotate.clock import Monotonic
from annotate.interfaces import Sampler, Trainer
from annotate.rendering.pair_pool import PairPool, WaitEstimate
from annotate.rendering.pool_target import READY_DURING_RUN
from annotate.training.planning.vote_sources import STUDIO
from annotate.training.turns import Phase, TurnRules, Turns
from annotate.wording import soon
from storage.store import Store

logger = logging.getLogger(__name__)

UNKNOWN_S = 30.0
"""A guess of how long a run takes that cannot tell."""
ASKED_S = 60.0
"""For so long a turn waits for somebody who asked for other images than pairs before it."""


class SharedDevice:
    """Device of sampler and trainer; called only by the thread that holds the runs' lock."""

    def __init__(
        self,
        store: Store,
        sampler: Sampler,
        trainer: Trainer,
        model: ModelInfo,
        model_id: str,
        pool: PairPool,
        clock: Monotonic,
        rules: TurnRules | None = None,
    ) -> None:
        self._store, self._sampler, self._trainer = store, sampler, trainer
        self._model, self._model_id, self._pool = model, model_id, pool
        self._clock, self._rules = clock, rules
        self._both_fit: bool | None = None
        """Whether sampler and trainer fit together; None until the sampler is ready."""
        self._turns: Turns | None = None
        """While they do not: the account of the run under way."""
        self._turn_is_over = False

    def expect_run(self) -> None:
        """Render few pairs from now on: a run is about to start on the same device.

        Not while another one takes turns there: its sampler has the device to itself.
        """
        if self._turns is not None:
            return
        self._pool.target.run_shares_device = not self._trainer.has_own_device()

    def make_room(self, run_id: str) -> None:
        """Stop the sampler for a run if both do not fit; decided once per run."""
        if self._both_fit is not None:
            return
        self.expect_run()
        self._both_fit = self._decide()
        if self._both_fit is False:
            self._pool.target.run_shares_device = False
            self._turns = Turns(self._clock, self._rules)
            self._pool.suspend(lambda: self._wait(run_id))

    def follow(self, run_id: str, status: RunStatus) -> None:
        """Follow a run whose process works: ask it to pause where somebody waits for images."""
        self.make_room(run_id)
        turns = self._turns
        if turns is None or status.phase != "training":
            return
        turns.trains()
        enough = min(READY_DURING_RUN, self._pool.target.pairs)
        if turns.may_leave() and self._pool.is_waited_for(enough):
            turns.leave()
            self._turn_is_over = False
            self._trainer.pause(self._store.run_dir(run_id))

    def may_go_on(self, run_id: str) -> bool:
        """Return whether a run that is paused may go on; if not, the sampler has its turn."""
        turns = self._turns
        if turns is None:
            return True
        if turns.phase == Phase.LEAVING:
            turns.start_sampler()
            self._pool.resume()
        if turns.phase not in (Phase.STARTING, Phase.RENDERING):
            return True

        state = self._sampler.state().state
        if state == "ready":
            turns.renders()
        return self._turn_is_over or state == "failed" or self._is_done(turns)

    def end_turn(self) -> None:
        """End the turn of the sampler, if it has one."""
        self._turn_is_over = True

    def take_back(self, run_id: str) -> None:
        """Stop the sampler, for a run that goes on."""
        if self._turns is not None:
            self._pool.suspend(lambda: self._wait(run_id))
            self._turns.take_back()

    def go_on(self, run_id: str) -> None:
        """Let a run go on by itself, for the sampler's turn ends with the app."""
        try:
            self._trainer.go_on(self._store.run_dir(run_id))
        except Exception:
            # A folder that cannot be read must not keep the app from closing the rest.
            logger.exception("run %s cannot go on", run_id)

    def free(self) -> None:
        """Let the sampler go on after a run."""
        self._both_fit = self._turns = None
        self._pool.target.run_shares_device = False
        self._pool.resume()

    def _decide(self) -> bool | None:
        """Return whether both fit; None while the sampler loads, in a studio that never knew."""
        if self._trainer.has_own_device():
            return True
        sampler, kept = self._sampler.state(), self._store.project_settings
        name = f"fits_beside_runs:{self._model_id}"
        if sampler.state != "ready":
            # As it was before: a sampler that loads beside a run could take its memory.
            known: bool | None = kept.get(name, None)
            return known

        fit = not self._trainer.needs_sampler_stopped(self._model, sampler)
        if kept.get(name, None) != fit:
            kept.set(name, fit, STUDIO)
        return fit

    def _is_done(self, turns: Turns) -> bool:
        """Return whether a turn has used up its share, or nobody waits for more images."""
        if turns.phase != Phase.RENDERING:
            return False
        patient = turns.rendering_s < ASKED_S
        return turns.is_used_up() or not self._pool.is_waited_for(self._pool.target.pairs, patient)

    def _wait(self, run_id: str) -> WaitEstimate:
        """Return when there are images again: with the next turn, or after the run."""
        left = [self._turns.until_images()] if self._turns is not None else []
        eta_s = self._trainer.status(self._store.run_dir(run_id)).eta_s
        left += [] if eta_s is None else [eta_s]
        seconds = min(left, default=UNKNOWN_S)
        return WaitEstimate(seconds, f"A fine-tune runs; next images {soon(seconds)}.")
