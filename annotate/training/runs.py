"""Fine-tuning runs: one at a time, the others in a queue; each that succeeds makes a version.

The trainer is a process of its own, which outlives the app. The truth about a run is in its run
folder; this module reads it there and records it in the store. The steps of a run:

    plan -> _enqueue (snapshot, run folder) -> _start (trainer) -> _follow -> _record_end -> version
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from align.contracts.models import ModelInfo
from align.contracts.run_files import RunState, RunStatus
from annotate.clock import Monotonic
from annotate.errors import ModelBusy, NotResumable
from annotate.interfaces import Sampler, Trainer
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.studio_look import StudioLook
from annotate.training.automatic.automatic_runs import AutomaticRuns
from annotate.training.automatic.trigger import Trigger
from annotate.training.planning.known_device import KnownDevice
from annotate.training.planning.new_votes import NewVotes
from annotate.training.planning.run_plans import RunPlanner
from annotate.training.planning.run_preparation import RunPreparation
from annotate.training.planning.vote_sources import VoteSources
from annotate.training.run_ends import RunEnds
from annotate.training.run_status import problem_sentence
from annotate.training.shared_device import SharedDevice
from annotate.training.turns import TurnRules
from annotate.views.training import PlanView
from storage.errors import StorageError
from storage.records import Run, Version
from storage.store import Store

logger = logging.getLogger(__name__)

RETRY_S = 10.0
"""Seconds between attempts to follow the runs after an error."""
CANCEL_GRACE_S = 120.0
"""Seconds that a trainer has to save its checkpoint after a cancel, before it is killed."""
JOIN_TIMEOUT_S = 30.0


class TrainingRuns:
    """Queue of runs: starts trainers, follows them and registers versions; thread-safe."""

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
        look: StudioLook,
        sources: VoteSources,
        unseen: Sequence[str],
        released: Callable[[Version], None],
        rules: TurnRules | None = None,
    ) -> None:
        self._store, self._trainer, self._model = store, trainer, model
        self._new_votes, self._clock = new_votes, clock
        self._model_id, self._watch_s = model_id, watch_s
        self._running: str | None = None
        device = KnownDevice(sampler)
        parts = (store, trainer, model, model_id)
        self._planner = RunPlanner(*parts, clock, sources, device)
        self._preparation = RunPreparation(*parts, new_votes, look, sources, device, unseen)
        self.automatic = AutomaticRuns(store, trigger, new_votes, self.plan)
        self._ends = RunEnds(store, trainer, model_id, released)
        self._device = SharedDevice(store, sampler, trainer, model, model_id, pool, clock, rules)
        self._queue: list[str] = []
        self._asked = 0
        """Runs whose votes are still settling."""
        self._cancelled: dict[str, float] = {}
        """When a cancel was requested, by run id."""
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runs", daemon=True)
        self.problem: str | None = None

    @property
    def running(self) -> str | None:
        """The id of the run under way, or None."""
        return self._running

    def start(self) -> None:
        """Adopt the runs that an earlier app left, then follow runs in a thread."""
        with self._lock:
            for run in reversed(self._store.runs(self._model_id)):
                if run.state in (RunState.QUEUED, RunState.RUNNING):
                    self._adopt_safely(run)
        self._thread.start()

    def close(self) -> None:
        """Stop following runs; a trainer under way goes on for the next app to adopt."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT_S)
        with self._lock:
            if self._running:
                self._device.go_on(self._running)

    def close_if_idle(self) -> None:
        """Stop following runs; raises ModelBusy if one is under way, waits or is about to."""
        with self._lock:
            waiting = [run for run in (self._running, *self._queue) if run]
            if waiting or self._asked:
                named = f"Run {waiting[0]}" if waiting else "A run"
                raise ModelBusy(
                    f"{named} trains on this model or waits to. Wait for its end or cancel it on "
                    "the Train tab, then open the other model."
                )
            self._closing.set()
        self.close()

    def plan(self, settings: dict[str, Any]) -> PlanView:
        """Return what a run started now would be: its pairs, steps and minutes.

        Raises NothingToLearn, UnknownVersion, or what the trainer raises about settings.
        """
        self._preparation.initial_version(settings)
        return self._planner.plan(settings)

    def fine_tune(self, settings: dict[str, Any], trigger: str = "person") -> Run:
        """Queue a run on all votes cast before the call, and start it if none is under way.

        Waits until those votes are settled. Raises NothingToLearn, ModelBusy, storage's NoVotes or
        UnknownVersion, or what the trainer raises about settings.
        """
        # It raises on settings that cannot work, before anybody waits.
        self.plan(settings)
        with self._being_asked():
            self._new_votes.await_settled(self._closing)
            with self._lock:
                return self._enqueue(settings, trigger)

    def cancel(self, run_id: str) -> None:
        """Take a run out of the queue, or ask its trainer to stop; a run that ended stays as is."""
        self._ends.ask_for(run_id)
        with self._lock:
            run = self._store.run(run_id)
            if run.state == RunState.QUEUED:
                self._queue = [other for other in self._queue if other != run_id]
                self._trainer.cancel(self._store.run_dir(run_id))
                self._store.set_run_state(run_id, RunState.CANCELLED)
            elif run.state == RunState.RUNNING:
                self._cancelled.setdefault(run_id, self._clock())
                self._trainer.cancel(self._store.run_dir(run_id))

    def resume(self, run_id: str) -> None:
        """Queue a cancelled, interrupted or failed run again; raises NotResumable or ModelBusy."""
        with self._lock:
            self._require_open()
            run = self._store.run(run_id)
            if run.state == RunState.DONE:
                raise NotResumable(f"Run {run_id} is done. Start a new run to learn more.")
            if run.state in (RunState.QUEUED, RunState.RUNNING):
                # One that is paused goes on at once.
                self._device.end_turn()
                return
            self._cancelled.pop(run_id, None)
            self._store.set_run_state(run_id, RunState.QUEUED)
            self._queue.append(run_id)
            self._start_next()

    @contextmanager
    def _being_asked(self) -> Iterator[None]:
        """Let no other model be opened meanwhile; raises ModelBusy if one is being opened."""
        with self._lock:
            self._require_open()
            self._asked += 1
            self._device.expect_run()
        try:
            yield
        finally:
            with self._lock:
                self._asked -= 1
                if not self._asked and self._running is None:
                    self._device.free()

    def _require_open(self) -> None:
        """Raise ModelBusy once the runs are closed, since nobody would follow a new one."""
        if self._closing.is_set():
            raise ModelBusy("The model is being closed. Ask for the run again in a moment.")

    def _enqueue(self, settings: dict[str, Any], trigger: str) -> Run:
        """Freeze the votes in a snapshot, prepare the run folder, and queue the run."""
        run = self._preparation.prepare(settings, trigger)
        self._queue.append(run.run_id)
        self._start_next()
        return self._store.run(run.run_id)

    def _start_next(self) -> None:
        """Start queued runs until one is under way; runs that cannot start fail."""
        while self._running is None and self._queue:
            run_id = self._queue.pop(0)
            try:
                self._start(run_id)
            except Exception as error:
                if self._running == run_id:
                    # Its trainer works already; only the store could not record it.
                    raise
                logger.exception("run %s cannot be started", run_id)
                self._store.set_run_state(run_id, RunState.FAILED, str(error))
                self._device.free()

    def _start(self, run_id: str) -> None:
        self._device.make_room(run_id)
        # The trainer first: an app that is killed in between finds it alive and adopts it.
        self._trainer.start(self._store.run_dir(run_id))
        self._running = run_id
        self._store.set_run_state(run_id, RunState.RUNNING)

    def _adopt_safely(self, run: Run) -> None:
        """Adopt a run; one whose folder is damaged fails, and must not hold up the others."""
        try:
            self._adopt(run)
        except StorageError:
            raise
        except Exception as error:
            logger.exception("run %s cannot be taken up", run.run_id)
            sentence = f"The folder of the run cannot be read: {error}"
            self._store.set_run_state(run.run_id, RunState.FAILED, sentence)

    def _adopt(self, run: Run) -> None:
        """Follow a trainer that is still alive, queue a run that waited, or record how it ended."""
        run_dir = self._store.run_dir(run.run_id)
        if self._trainer.is_alive(run_dir):
            self._store.set_run_state(run.run_id, RunState.RUNNING)
            self._running = run.run_id
            self._device.make_room(run.run_id)
            return

        status = self._trainer.status(run_dir)
        if status.state == RunState.PAUSED:
            # Waiting in the queue, it can be cancelled before it goes on.
            self._store.set_run_state(run.run_id, RunState.QUEUED)
            self._queue.insert(0, run.run_id)
        elif run.state == RunState.QUEUED and status.state != RunState.DONE:
            self._queue.append(run.run_id)
        else:
            self._record_end(run, status)

    def _watch(self) -> None:
        """Follow the runs until `close`; an error is kept as `problem` and tried again."""
        while not self._closing.wait(RETRY_S if self.problem else self._watch_s):
            try:
                self._tick()
                self.problem = None
            except Exception as error:
                problem = problem_sentence(error)
                # Logged once, not at every attempt.
                if self.problem != problem:
                    logger.exception("watching the runs failed")
                self.problem = problem

    def _tick(self) -> None:
        with self._lock:
            if self._closing.is_set():
                return
            if self._running is not None:
                self._follow(self._store.run(self._running))
            self._start_next()
            if self._running is None and (reason := self.automatic.poll()):
                self._enqueue(self.automatic.settings, reason)

    def _follow(self, run: Run) -> None:
        """Record the state of the run under way; kill a trainer that ignores a cancel."""
        run_dir = self._store.run_dir(run.run_id)
        status = self._trainer.status(run_dir)
        if status.state == RunState.PAUSED and run.run_id not in self._cancelled:
            if self._device.may_go_on(run.run_id):
                self._device.take_back(run.run_id)
                self._trainer.start(run_dir)
            return
        if status.state != RunState.RUNNING:
            self._record_end(run, status)
            self._running = None
            self._device.free()
            return

        self._store.set_run_state(run.run_id, RunState.RUNNING)
        self._device.follow(run.run_id, status)
        cancelled_at = self._cancelled.get(run.run_id)
        if cancelled_at is not None and self._clock() - cancelled_at > CANCEL_GRACE_S:
            self._trainer.kill(run_dir)

    def _record_end(self, run: Run, status: RunStatus) -> None:
        self._ends.record(run, status, run.run_id in self._cancelled)
        self._cancelled.pop(run.run_id, None)
