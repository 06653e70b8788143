"""Best-worst scaling: four images of one prompt, of which an annotator names best and worst."""

import threading
from collections.abc import Sequence
from typing import Any

from annotate.clock import Monotonic
from annotate.errors import InvalidRequest
from annotate.urls import image_url
from annotate.validation import as_annotator, as_response_ms, as_text
from storage.records import Quad, VoteReceipt
from storage.store import Store

READY_QUADS = 4
WANTED_S = 60.0
"""Quads are rendered for so long after somebody asked for one."""
LEASE_S = 15 * 60.0
Position = int | None
"""A position from 0 to 3 among the four images; None in a skip."""


class BestWorstQueue:
    """Waiting sets of four images (quads), and who has which; safe from any thread.

    They are rendered only while somebody asks for them.
    """

    def __init__(self, store: Store, model_id: str, clock: Monotonic) -> None:
        self._store, self._model_id, self._clock = store, model_id, clock
        self._guard = threading.Lock()
        self._waiting: dict[str, Quad] = {}
        self._held: dict[str, tuple[str, float, Quad]] = {}
        self._wanted_at = -WANTED_S
        self._opened = False

    def missing(self, version: str) -> int:
        """Return how many quads of a version should be rendered now."""
        with self._guard:
            if self._clock() - self._wanted_at >= WANTED_S:
                return 0
            fresh = sum(quad.version == version for quad in self._waiting.values())
            return max(0, READY_QUADS - fresh)

    def add(self, prompt: str, images: Sequence[str], version: str) -> None:
        """Store four images as a quad and enqueue it; raises what the store raises."""
        quad = self._store.rankings.add_quad(prompt, images, self._model_id, version)
        with self._guard:
            self._waiting[quad.quad_id] = quad

    def assign(
        self, annotator: str, have: Sequence[str], want: int, version: str
    ) -> list[dict[str, Any]]:
        """Lease up to `want` quads besides those that the annotator's page has.

        Those of this version come first. Being asked for quads is what keeps them rendered.
        """
        name, now = as_annotator(annotator), self._clock()
        # Read before the guard is taken: nobody waits for the database.
        stored = [] if self._opened else self._store.rankings.waiting(self._model_id)
        with self._guard:
            self._wanted_at = now
            self._open(stored)
            self._expire(now)

            # Quads that the page kept while the app was restarted, or while its lease expired.
            held = {i for i, (who, _, _) in self._held.items() if who == name}
            for quad_id in [i for i in have if i in self._waiting]:
                self._hold(name, self._waiting.pop(quad_id))
                held.add(quad_id)

            given = [self._held[i][2] for i in held if i not in have][:want]
            for quad in self._next(version, want - len(given)):
                self._hold(name, quad)
                given.append(quad)
            return [quad_view(quad) for quad in given]

    def rank(
        self,
        quad_id: str,
        best: Position,
        worst: Position,
        annotator: str,
        key: str,
        response_ms: object = None,
    ) -> VoteReceipt:
        """Record the positions of the best and the worst image, or a skip; once per key."""
        receipt = self._store.rankings.cast(
            as_text(quad_id, "The quad_id"),
            as_position(best),
            as_position(worst),
            as_annotator(annotator),
            as_text(key, "The key"),
            as_response_ms(response_ms),
        )
        with self._guard:
            self._waiting.pop(quad_id, None)
            self._held.pop(quad_id, None)
        return receipt

    def reopen(self, annotator: str, quad: Quad) -> None:
        """Lease a quad to the annotator again who took back its ranking."""
        with self._guard:
            self._waiting.pop(quad.quad_id, None)
            self._hold(annotator, quad)

    def _open(self, stored: Sequence[Quad]) -> None:
        """Enqueue what the store holds, the first time somebody asks."""
        if not self._opened:
            for quad in stored:
                self._waiting.setdefault(quad.quad_id, quad)
            self._opened = True

    def _hold(self, annotator: str, quad: Quad) -> None:
        self._held[quad.quad_id] = (annotator, self._clock(), quad)

    def _expire(self, now: float) -> None:
        for quad_id, (_, since, quad) in list(self._held.items()):
            if now - since > LEASE_S:
                self._waiting[quad_id] = quad
                del self._held[quad_id]

    def _next(self, version: str, count: int) -> list[Quad]:
        # Those of older versions still serve while no new one is rendered.
        ordered = sorted(self._waiting.values(), key=lambda quad: quad.version != version)
        chosen = ordered[: max(0, count)]
        for quad in chosen:
            del self._waiting[quad.quad_id]
        return chosen


def quad_view(quad: Quad) -> dict[str, Any]:
    """Return a quad as a page takes it: like a pair, but with four addresses."""
    urls = [image_url(image) for image in quad.images]
    return {"pair_id": quad.quad_id, "prompt": quad.prompt, "urls": urls}


def as_position(position: object) -> Position:
    """Return a whole number or None; the store checks that it is from 0 to 3."""
    if position is None or (isinstance(position, int) and not isinstance(position, bool)):
        return position
    raise InvalidRequest(f"A place is a number from 0 to 3, not {position!r}.")
