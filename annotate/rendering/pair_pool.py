"""Pair pool: a thread that renders pairs ahead, so that nobody waits for the image model."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from annotate.clock import Monotonic
from annotate.errors import SamplerSuspended
from annotate.interfaces import Sampler
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.rendering.kept_winners import KeptWinners
from annotate.rendering.pair_maker import PairMaker
from annotate.rendering.pair_requests import FEW_PAIRS, PairRequests
from annotate.rendering.pool_target import MIN_READY_PAIRS, PoolTarget
from annotate.rendering.prepared_pairs import PreparedPairs
from annotate.rendering.prompts.asked_prompts import AskedPrompts
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.renderer import Renderer
from annotate.rendering.votes_per_hour import RenderingSpeed, speed_of
from storage.store import Store

logger = logging.getLogger(__name__)

PAIRS_PER_REQUEST = 8
REQUEST_S = 10.0
"""A request should last no longer, so that a new version need not wait for it."""
SLOW_IMAGE_S = 3.0
IDLE_S = 0.5
LOADING_S = 12.0
"""A guess of how long the image model loads, for the time that a page waits."""
ASKED_S = 600.0
"""Somebody who was refused images counts as waiting for so long."""
SLOWEST_RETRY_S = 30.0
CLOSING_S = 30.0
MAX_TRIES = 3
"""Requests for a prompt that somebody asked for, before others go on without it."""


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """The seconds until there should be a pair, and the reason why there is none now."""

    seconds: float
    reason: str


class PairPool:
    """Renders pairs with the active version until enough are ready; safe from any thread."""

    def __init__(
        self,
        store: Store,
        sampler: Sampler,
        renderer: Renderer,
        assigner: PairAssigner,
        prompt_sampler: PromptSampler,
        model_id: str,
        chance: random.Random,
        clock: Monotonic,
        best_worst: QuadAssigner,
        kept_winners: KeptWinners,
        prepared: PreparedPairs,
        min_ready: int = MIN_READY_PAIRS,
    ) -> None:
        """Wire the parts together; `min_ready` is the least number of pairs to keep ready."""
        self.target = PoolTarget(assigner.votes, assigner.in_use, min_ready, lambda: prepared.due)
        self.prepared, self.asked = prepared, AskedPrompts()
        self._sampler, self._assigner, self._renderer = sampler, assigner, renderer
        self._clock, self._best_worst, self._kept_winners = clock, best_worst, kept_winners
        maker = PairMaker(
            store, renderer, assigner, best_worst, prompt_sampler, model_id, chance, prepared
        )
        self.requests = PairRequests(store, sampler, renderer, assigner, maker, model_id, clock)

        self._thread = threading.Thread(target=self._work, name="pool", daemon=True)
        self._closing, self._wakeup = threading.Event(), threading.Event()
        self._control = threading.Lock()
        self._holds = 0
        self._suspended: Callable[[], WaitEstimate] | None = None
        self._asked_at: float | None = None
        """When somebody asked for images in vain since the sampler was suspended."""
        self._failures, self._paired, self._kept = 0, True, False
        self._began = clock()
        self.problem: str | None = None
        """Why the newest request failed, as a sentence; None once one succeeded."""

    def start(self) -> None:
        """Start the image model and the thread, which goes on with what an earlier app left."""
        self.prepared.recount()
        self._began = self._clock()
        self._thread.start()

    def close(self) -> None:
        """Stop the image model, then the thread."""
        self._closing.set()
        self._wakeup.set()
        # The image model first: the thread may wait in a request to it.
        with self._control:
            self._sampler.stop()
        if self._thread.is_alive():
            self._thread.join(CLOSING_S)

    def wake(self) -> None:
        """Check at once whether pairs are missing."""
        self._wakeup.set()

    @property
    def suspended(self) -> bool:
        """Return whether the image model is suspended, for a run."""
        return self._suspended is not None

    def require_sampler(self, then: str) -> None:
        """Raise SamplerSuspended while the image model is suspended; it says when to do `then`.

        Whoever is refused counts as waiting for images.
        """
        if (suspended := self._suspended) is not None:
            self._asked_at = self._clock()
            raise SamplerSuspended(f"{suspended().reason} {then}")

    def is_waited_for(self, enough: int, asked: bool = True) -> bool:
        """Return whether somebody labels and fewer than `enough` pairs are ready, or waits else.

        With `asked` those count who were refused other images lately.
        """
        quads_missing = self._best_worst.missing(self._assigner.version)
        if quads_missing or self._holds or self.asked.next:
            return True
        since = self._asked_at
        if asked and since is not None and self._clock() - since < ASKED_S:
            return True
        return self._assigner.in_use() and self._assigner.ready() < enough

    @property
    def speed(self) -> RenderingSpeed | None:
        """Return how fast pairs are rendered in the look of now; None while nobody can tell."""
        return speed_of(self.requests, self._sampler, self._renderer)

    @property
    def silent_s(self) -> float:
        """Return the seconds since a request under way last gave an image; 0 without one."""
        since = self.requests.waiting_since
        return 0.0 if since is None else self._clock() - since

    @property
    def blocked(self) -> bool:
        """Return whether nothing can be rendered for now."""
        broken = self.problem is not None or self._sampler.state().state == "failed"
        return broken or self._suspended is not None

    @property
    def pause_reason(self) -> str | None:
        """Return why no pairs that were asked for are rendered now; None while they are."""
        if self.suspended or self.target.run_shares_device:
            return "A run has the device; they are rendered after it."
        return self.estimate_wait().reason if self.blocked else self.prepared.problem

    def suspend(self, wait: Callable[[], WaitEstimate]) -> None:
        """Stop the image model until `resume`; `wait` says when that may be, and why."""
        with self._control:
            self._suspended = wait
            self._sampler.stop()

    def resume(self) -> None:
        """Let the image model start again after `suspend`."""
        with self._control:
            self._suspended = None
        self._began = self._clock()
        self.wake()

    def retry(self) -> None:
        """Try again now to load a model that failed."""
        with self._control:
            if self._closing.is_set() or self._suspended is not None:
                return
            self._sampler.retry()
        self._began = self._clock()
        self.wake()

    @contextmanager
    def hold_requests(self) -> Iterator[None]:
        """Start no request meanwhile; one under way ends once something else is asked for."""
        # Somebody who compares versions waits for the image model; the pool is in no hurry.
        with self._control:
            self._holds += 1
        try:
            yield
        finally:
            with self._control:
                self._holds -= 1
                self._asked_at = self._asked_at if self._suspended else None
            self.wake()

    def estimate_wait(self) -> WaitEstimate:
        """Estimate when there will be a pair, for somebody who finds none."""
        if (suspended := self._suspended) is not None:
            return suspended()
        state = self._sampler.state()
        if state.state == "failed":
            again = SLOWEST_RETRY_S if state.retry_s is None else max(1.0, state.retry_s)
            return WaitEstimate(again, state.detail or "The image model cannot be started.")
        if self.problem is not None:
            return WaitEstimate(self._pause(), self.problem)
        if state.state != "ready":
            left = LOADING_S - (self._clock() - self._began)
            return WaitEstimate(max(1.0, left), state.detail or "Starting the image model.")
        return WaitEstimate(max(0.5, 2 * self.requests.image_s), "Rendering the next pairs.")

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                pause = self._step()
            except Exception as error:
                pause = self._failed(error)
            if pause:
                self._wakeup.wait(pause)
            self._wakeup.clear()

    def _step(self) -> float:
        """Render one request if images are missing; return the seconds to wait after it."""
        if not self._may_render() or self._sampler.state().state == "failed":
            return IDLE_S

        self.requests.waiting_since = None
        count, quads = self._next_request_size(), self._best_worst.missing(self._assigner.version)
        # One image first, for somebody who has just voted or is about to.
        pair, yields = self._kept_winners.wanted(), self._kept and self._kept_winners.others_wait
        self._kept = pair is not None and not (yields and (quads or count))
        if pair and self._kept:
            self.requests.waiting_since = self._clock()
            self._kept_winners.render_after(pair, self.requests.watch)
        elif asked := self.asked.next:
            self.requests.render_asked(asked, self.asked)
        # In turns, so that neither waits until the other is full.
        elif quads and (self._paired or not count):
            self._paired = False
            self.requests.render_best_worst()
        elif count:
            self._paired = True
            self.requests.render_pairs(min(count, FEW_PAIRS) if quads else count)
        # Ahead of whoever labels four at a time, but never beside a run.
        elif not self.target.run_shares_device and self._best_worst.ahead(self._assigner.version):
            self.requests.render_best_worst()
        else:
            return IDLE_S

        self._failures, self.problem = 0, None
        return 0.0

    def _may_render(self) -> bool:
        with self._control:
            if self._closing.is_set() or self._suspended is not None or self._holds:
                return False
            if self._sampler.state().state == "stopped":
                self._sampler.start()
            return True

    def _next_request_size(self) -> int:
        """Return the number of pairs of the next request; 0 while enough are ready.

        It is one at first, so that it is there quickly.
        """
        ready = self._assigner.ready()
        if self.requests.fresh_version != self._assigner.version and not ready:
            return self.target.first_request(ready)
        image_s = self.requests.image_s
        self.target.beside_winners = image_s >= SLOW_IMAGE_S and self._kept_winners.in_use
        quick = int(REQUEST_S / (2 * image_s)) if image_s else PAIRS_PER_REQUEST
        return self.target.next_request(ready, min(PAIRS_PER_REQUEST, quick))

    def _failed(self, error: Exception) -> float:
        self.requests.waiting_since = None
        if self._closing.is_set() or self._suspended is not None:
            return IDLE_S
        if self._sampler.state().state == "failed":
            # The sampler says so itself, and why.
            self.problem = None
            return IDLE_S

        self._failures += 1
        if self._failures >= MAX_TRIES and (asked := self.asked.next):
            # It may be this prompt alone that fails, and others wait behind it.
            self.asked.forget(asked)
        problem = f"{error} Rendering goes on by itself once it can."
        if problem != self.problem:
            logger.error("No images can be rendered: %s", error)
            logger.debug("no images can be rendered", exc_info=error)
        self.problem = problem
        return self._pause()

    def _pause(self) -> float:
        return min(SLOWEST_RETRY_S, float(2 ** min(10, self._failures)) / 2)
