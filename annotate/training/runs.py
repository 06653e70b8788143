"""Fine-tuning: one run at a time, the others in a queue, each ending in a version.

A trainer outlives the app. What is true about a run is in its folder; the store learns it here.
"""

import logging
import threading
from typing import Any

from annotate.clock import Monotonic
from annotate.errors import NothingToLearn, NotResumable
from annotate.interfaces import ModelInfo, RunStatus, Sampler, Trainer
from annotate.rendering.pair_pool import PairPool
from annotate.training.missing_images import MissingImages, left_out_sentence
from annotate.training.new_votes import NewVotes
from annotate.training.trigger import Trigger
from annotate.validation import as_annotator
from storage.errors import StorageError
from storage.records import Run, RunState, Version
from storage.store import Store

logger = logging.getLogger(__name__)

RETRY_S = 10.0
HEED_CANCEL_S = 120.0
CLOSING_S = 30.0
NOTHING = "There is no left or right vote"
INTERRUPTED = "The trainer stopped before it was done. Resume goes on from its last checkpoint."


class TrainingRuns:
    """Starts runs, follows them and makes versions of them; safe from any thread."""

    def __init__(
        self,
        store: Store,
        sampler: Sampler,
        trainer: Trainer,
        model: ModelInfo,
        pool: PairPool,
        new_votes: NewVotes,
        trigger: Trigger,
        clock: Monotonic,
        watch_s: float,
        model_id: str,
    ) -> None:
        self._store, self._sampler, self._trainer, self._model = store, sampler, trainer, model
        self._pool, self._new_votes, self._trigger, self._clock = pool, new_votes, trigger, clock
        self._model_id, self._watch_s = model_id, watch_s
        self._running: str | None = None
        self._missing_images = MissingImages(store, self._model_id, clock)
        self._queue: list[str] = []
        self._shares_device: bool | None = None
        self._cancelled: dict[str, float] = {}
        self._turn = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runs", daemon=True)
        self.problem: str | None = None

    @property
    def running(self) -> str | None:
        """The run that goes on now."""
        return self._running

    def start(self) -> None:
        """Take up the runs that an earlier app left, then watch."""
        with self._turn:
            for run in reversed(self._store.runs(self._model_id)):
                if run.state in (RunState.QUEUED, RunState.RUNNING):
                    self._take_up_safely(run)
        self._thread.start()

    def close(self) -> None:
        """Stop watching; a trainer that runs goes on."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSING_S)

    def plan(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What a run started now would be; raises NothingToLearn or what the trainer raises."""
        voter, rest = whose(settings)
        pairs = self._store.decisive(self._model_id, voter)
        if not pairs:
            told = f"There is no left or right vote of {voter!r}" if voter else NOTHING
            raise NothingToLearn(f"{told} to learn from yet. Label some pairs first.")

        lost = self._missing_images.of(voter)
        if pairs <= lost.decisive:
            # Nobody is refused for what was so a moment ago.
            lost = self._missing_images.of(voter, anew=True)
        left_out = left_out_sentence(lost.votes, lost.images)
        if pairs <= lost.decisive:
            raise NothingToLearn(f"No vote is left to learn from; label new pairs. {left_out}")
        plan = self._trainer.plan(self._model, pairs - lost.decisive, rest, self._measured_speed())
        return plan | ({"left_out": left_out} if left_out else {})

    def _measured_speed(self) -> float | None:
        """Pairs a second of the newest run that ended well."""
        done = (run for run in self._store.runs(self._model_id) if run.state == RunState.DONE)
        newest = next(done, None)
        rows = self._trainer.metrics(self._store.run_dir(newest.run_id)) if newest else []
        speed = rows[-1].get("pairs_per_s") if rows else None
        return float(speed) if speed else None

    def fine_tune(self, settings: dict[str, Any], trigger: str = "person") -> Run:
        """Queue a run on all votes cast before the call, and start it if none goes on.

        Waits until those votes are settled. Raises NothingToLearn, storage's NoVotes or
        UnknownVersion, or what the trainer raises about settings.
        """
        self.plan(settings)
        self._start_of(settings)
        self._new_votes.await_settled(self._closing)
        with self._turn:
            return self._enqueue(settings, trigger)

    def cancel(self, run_id: str) -> None:
        """Take a run out of the queue or ask its trainer to stop; a run that ended stays so."""
        with self._turn:
            run = self._store.run(run_id)
            if run.state == RunState.QUEUED:
                self._queue = [other for other in self._queue if other != run_id]
                self._trainer.cancel(self._store.run_dir(run_id))
                self._store.set_run_state(run_id, RunState.CANCELLED)
            elif run.state == RunState.RUNNING:
                self._cancelled.setdefault(run_id, self._clock())
                self._trainer.cancel(self._store.run_dir(run_id))

    def resume(self, run_id: str) -> None:
        """Queue a cancelled, interrupted or failed run again; raises NotResumable."""
        with self._turn:
            run = self._store.run(run_id)
            if run.state == RunState.DONE:
                raise NotResumable(f"Run {run_id} is done. Start a new run to learn more.")
            if run.state in (RunState.QUEUED, RunState.RUNNING):
                return
            self._cancelled.pop(run_id, None)
            self._store.set_run_state(run_id, RunState.QUEUED)
            self._queue.append(run_id)
            self._start_next()

    def _enqueue(self, settings: dict[str, Any], trigger: str) -> Run:
        start = self._start_of(settings)
        voter, rest = whose(settings)
        self._new_votes.weigh()
        snapshot = self._store.write_snapshot(self._model_id, self._new_votes.settle_s, voter)
        run = self._store.create_run(
            snapshot.snapshot_id, self._model_id, start.version, settings, trigger
        )
        run_dir = self._store.run_dir(run.run_id)
        try:
            self._trainer.prepare(run_dir, snapshot.path, self._model, rest, start=start.adapter)
        except Exception as error:
            self._store.set_run_state(run.run_id, RunState.FAILED, str(error))
            raise
        self._queue.append(run.run_id)
        self._start_next()
        return self._store.run(run.run_id)

    def _start_of(self, settings: dict[str, Any]) -> Version:
        """The version a run goes on from; raises storage's UnknownVersion."""
        # The former name is accepted for one release, as the trainer accepts it.
        named = settings.get("init_from", settings.get("start", "base"))
        return self._store.version(self._model_id, str(named))

    def _start_next(self) -> None:
        while self._running is None and self._queue:
            run_id = self._queue.pop(0)
            try:
                self._start(run_id)
            except Exception as error:
                if self._running == run_id:
                    raise
                logger.exception("run %s cannot be started", run_id)
                self._store.set_run_state(run_id, RunState.FAILED, str(error))
                self._free_device()

    def _start(self, run_id: str) -> None:
        self._share_device(run_id)
        # The trainer first: an app that is killed in between finds it alive and adopts it.
        self._trainer.start(self._store.run_dir(run_id))
        self._running = run_id
        self._store.set_run_state(run_id, RunState.RUNNING)

    def _take_up_safely(self, run: Run) -> None:
        try:
            self._take_up(run)
        except StorageError:
            raise
        except Exception as error:
            logger.exception("run %s cannot be taken up", run.run_id)
            sentence = f"The folder of the run cannot be read: {error}"
            self._store.set_run_state(run.run_id, RunState.FAILED, sentence)

    def _take_up(self, run: Run) -> None:
        run_dir = self._store.run_dir(run.run_id)
        if self._trainer.is_alive(run_dir):
            self._store.set_run_state(run.run_id, RunState.RUNNING)
            self._running = run.run_id
            return
        status = self._trainer.status(run_dir)
        if run.state == RunState.QUEUED and status.state != RunState.DONE:
            self._queue.append(run.run_id)
        else:
            self._settle(run, status)

    def _watch(self) -> None:
        while not self._closing.wait(RETRY_S if self.problem else self._watch_s):
            try:
                self._tick()
                self.problem = None
            except Exception as error:
                if self.problem != str(error):
                    logger.exception("watching the runs failed")
                self.problem = str(error)

    def _tick(self) -> None:
        with self._turn:
            if self._running is not None:
                self._follow(self._store.run(self._running))
            self._start_next()
            if self._running is None:
                self._start_if_due()

    def _start_if_due(self) -> None:
        now, new = self._trigger.now(), self._new_votes.new_vote_count()
        trigger = self._trigger.poll(now, new, self._new_votes.settled_count(new))
        if trigger is not None:
            self._enqueue({}, trigger)

    def _follow(self, run: Run) -> None:
        run_dir = self._store.run_dir(run.run_id)
        status = self._trainer.status(run_dir)
        if status.state != RunState.RUNNING:
            self._settle(run, status)
            self._running = None
            self._free_device()
            return
        self._store.set_run_state(run.run_id, RunState.RUNNING)
        self._share_device(run.run_id)
        asked = self._cancelled.get(run.run_id)
        if asked is not None and self._clock() - asked > HEED_CANCEL_S:
            self._trainer.kill(run_dir)

    def _settle(self, run: Run, status: RunStatus) -> None:
        """Record how a run ended; its version first, so that a run that is done has one."""
        state, error = status.state, status.error
        if state == RunState.DONE:
            error = self._make_version(run, status)
            state = RunState.FAILED if error else RunState.DONE
        elif state in (RunState.QUEUED, RunState.RUNNING, RunState.INTERRUPTED):
            cancelled = run.run_id in self._cancelled
            state = RunState.CANCELLED if cancelled else RunState.INTERRUPTED
            error = None if cancelled else INTERRUPTED
        elif state == RunState.FAILED:
            error = error or "The trainer failed without saying why. Its log.txt may say more."
        self._store.set_run_state(run.run_id, state, error)
        self._cancelled.pop(run.run_id, None)

    def _make_version(self, run: Run, status: RunStatus) -> str | None:
        adapter = self._trainer.adapter(self._store.run_dir(run.run_id))
        if not adapter.is_file():
            return f"The run ended without its adapter {adapter}. Start a new run."
        summary = status.result or {}
        self._store.add_version(self._model_id, run.parent, run.run_id, adapter, summary)
        return None

    def _share_device(self, run_id: str) -> None:
        """Stop the sampler if it and a trainer do not fit; known only once the sampler is up."""
        state = self._sampler.state()
        if self._shares_device is not None or state.state != "ready":
            return
        crowded = state.device != "cpu" and self._trainer.needs_sampler_stopped(self._model, state)
        self._shares_device = not crowded
        if crowded:
            run_dir = self._store.run_dir(run_id)
            reason = f"The image model makes room for run {run_id}; new pairs come after it."
            self._pool.rest(reason, lambda: self._trainer.status(run_dir).eta_s)

    def _free_device(self) -> None:
        self._shares_device = None
        self._pool.resume()


def whose(settings: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return whose votes a run learns from, None for everybody's, and the trainer's settings.

    Raises InvalidRequest.
    """
    voter = settings.get("voter")
    rest = {name: value for name, value in settings.items() if name != "voter"}
    return (as_annotator(voter) if voter else None), rest
