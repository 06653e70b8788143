"""Best-worst scaling: four images of one prompt, of which an annotator names best and worst."""

from collections.abc import Callable, Collection, Sequence

from annotate.clock import Monotonic
from annotate.labeling.item_assigner import ItemAssigner, no_stale_items
from annotate.validation import as_annotator
from storage.acts import NewRanking
from storage.records import Quad
from storage.store import Store

READY_QUADS = 4
WANTED_S = 60.0
"""Quads are rendered for so long after somebody asked for one."""


class QuadAssigner(ItemAssigner[Quad]):
    """Leases of quads, which are rendered only while somebody asks for them."""

    def __init__(
        self,
        store: Store,
        model_id: str,
        clock: Monotonic,
        stale_quads: Callable[[], Collection[str]] = no_stale_items,
    ) -> None:
        """`stale_quads` returns the stored quads without a ranking that are of another look."""
        super().__init__(clock)
        self._stale_quads, self._stale = stale_quads, stale_quads()
        self._store, self._model_id = store, model_id
        self._wanted_at = -WANTED_S
        self._opened = False
        self._used: bool | None = None
        """Whether four at a time are labeled in this project; None while nobody looked."""

    def missing(self, version: str) -> int:
        """Return how many quads of a version should be rendered now."""
        with self._guard:
            if self._clock() - self._wanted_at >= WANTED_S:
                return 0
            return max(0, READY_QUADS - self._leases.ready(version))

    def ahead(self, version: str) -> int:
        """Return how many quads of a version to render while nobody waits for any.

        It is none while nobody ever asked for quads: whoever labels pairs alone needs none.
        """
        if not self._in_project():
            return 0
        with self._guard:
            return max(0, READY_QUADS - self._leases.ready(version))

    def add(
        self, prompt: str, images: Sequence[str], version: str, annotator: str | None = None
    ) -> Quad:
        """Store four images as a quad and enqueue it, or lease it to an annotator as the next one.

        Raises what the store raises.
        """
        quad = self._store.quads.add(prompt, images, self._model_id, version)
        if annotator is not None:
            self.lease(annotator, quad, opens=False)
            return quad
        with self._guard:
            self._leases.add(quad)
        return quad

    def assign(self, annotator: str, have: Sequence[str], want: int, version: str) -> list[Quad]:
        """Lease up to `want` quads besides those that the annotator's page has.

        Those of this version come first. Being asked for quads is what keeps them rendered.
        """
        name = as_annotator(annotator)
        self._open()
        with self._guard:
            self._wanted_at, self._used = self._clock(), True
            self._arrive(name)
            self._leases.claim(name, have)

            quads = self._unsent(name, have, want)
            for _ in range(want - len(quads)):
                # Those of older versions still serve while no new one is rendered.
                quad = self._leases.take(name, version, any_version=True)
                if quad is None:
                    break
                quads.append(quad)
            return quads

    def passed_over(self, have: Sequence[str]) -> list[str]:
        """Return the quads of a page that are of another look, or of a model of before."""
        with self._guard:
            unknown = self._leases.unknown(have)
        stale = [quad_id for quad_id in have if quad_id in self._stale]
        foreign = self._store.quads.of_other_models(unknown, self._model_id) if unknown else ()
        return list(dict.fromkeys([*stale, *sorted(foreign)]))

    def renew(self) -> None:
        """Enqueue anew the stored quads without a ranking, but none of another look."""
        stored, stale = self._store.quads.open(self._model_id), self._stale_quads()
        with self._guard:
            self._stale = stale
            self._leases.drop_unopened(stale)
            if self._opened:
                self._leases.forget_waiting()
                self._enqueue(stored)

    def rank(self, ranking: NewRanking) -> None:
        """Record which image is the best and which the worst, or a skip; once per key."""
        self._record(ranking, lambda: self._store.rankings.record(ranking))

    def reopen(self, annotator: str, quad: Quad, key: str | None) -> None:
        """Lease a quad to the annotator again who took back its ranking."""
        with self._guard:
            self._reopen(annotator, quad, key)

    def _in_project(self) -> bool:
        """Return whether somebody asked for quads since the start, or ranked some before it."""
        if self._used is None:
            self._used = self._store.quads.any_ranked(self._model_id)
        if self._used:
            self._open()
        return self._used

    def _open(self) -> None:
        """Enqueue what the store holds, the first time it matters."""
        if self._opened:
            return
        # Read before the guard is taken: nobody waits for the database.
        stored = self._store.quads.open(self._model_id)
        with self._guard:
            if not self._opened:
                self._enqueue(stored)
                self._opened = True

    def _enqueue(self, stored: Sequence[Quad]) -> None:
        # One that was reopened by an undo is somebody's already.
        held = self._leases.leased_ids()
        for quad in stored:
            if quad.quad_id not in held and quad.quad_id not in self._stale:
                self._leases.add(quad)
