"""Item assigner: what handing out pairs and quads has in common, from the lease to the act."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic

from annotate.clock import Monotonic
from annotate.labeling.items import AnyItem
from annotate.labeling.leases import Leases
from storage.acts import ActReceipt, NewRanking, NewVote
from storage.errors import AlreadyVoted

LEASE_S = 15 * 60.0
"""A page that was not heard of for so long loses its items to others."""


def no_stale_items() -> frozenset[str]:
    """Return the ids of no items: all are of the look that new ones are rendered in."""
    return frozenset()


class ItemAssigner(Generic[AnyItem]):
    """Leases of items in memory, acts on them in the store; safe from any thread."""

    def __init__(self, clock: Monotonic, near: int | None = None) -> None:
        """`near` is how many items of each stream are held, the ids of others; None is all."""
        self._clock = clock
        self._leases: Leases[AnyItem] = Leases(near)
        self._undone: set[str] = set()
        """Keys of undos that have reopened their item."""
        self._guard = threading.Lock()

    def release(self, annotator: str) -> None:
        """Give the items of an annotator who pauses to others."""
        with self._guard:
            self._leases.release(annotator)

    def touch(self, annotator: str) -> None:
        """Renew an annotator's leases."""
        with self._guard:
            self._leases.touch(annotator, self._clock())

    def held_count(self) -> int:
        """Count the items that open pages hold, which no longer wait."""
        with self._guard:
            return len(self._leases.leased_ids())

    def open_item(self, annotator: str) -> AnyItem | None:
        """Return the item that an annotator has open, or None."""
        with self._guard:
            return next(iter(self._leases.held(annotator)), None)

    def held(self, annotator: str) -> list[AnyItem]:
        """Return the items that an annotator holds, the open one first."""
        with self._guard:
            return self._leases.held(annotator)

    def lease(self, annotator: str, item: AnyItem, opens: bool) -> None:
        """Lease a new item to an annotator: as the open one, or as the next one after it."""
        with self._guard:
            self._leases.touch(annotator, self._clock())
            if opens:
                self._leases.hold_first(annotator, item)
            else:
                self._leases.hold_next(annotator, item)

    def _arrive(self, annotator: str) -> None:
        """Renew an annotator's leases and end those of pages that are gone; under the guard."""
        now = self._clock()
        # Touched first, or whoever returns after a break would lose the items they hold.
        self._leases.touch(annotator, now)
        self._leases.expire(now - LEASE_S)

    def _unsent(self, annotator: str, have: Sequence[str], want: int) -> list[AnyItem]:
        """Return up to `want` items of an annotator that the page has not; under the guard."""
        known = set(have)
        return [item for item in self._leases.held(annotator) if item.item_id not in known][:want]

    def _record(
        self, act: NewVote | NewRanking, record: Callable[[], ActReceipt], overlap: int = 1
    ) -> ActReceipt:
        """Record an act on an item and end its lease; raises what the store raises.

        `overlap` people are asked about each item, but one where it is of a blind test.
        """
        try:
            receipt = record()
        except AlreadyVoted:
            # Given in another window: without this the same item would come again and again.
            self._finish(act, 1)
            raise
        if not receipt.duplicate:
            self._finish(act, 1 if receipt.trial else overlap)
        self.touch(act.annotator)
        return receipt

    def _finish(self, act: NewVote | NewRanking, overlap: int) -> None:
        with self._guard:
            self._leases.voted(act.item_id, act.annotator, overlap)

    def _reopen(
        self, annotator: str, item: AnyItem, key: str | None, asked: frozenset[str] = frozenset()
    ) -> None:
        """Make an item the annotator's open one again, once per key of an undo; under the guard."""
        self._leases.touch(annotator, self._clock())
        if key is None or key not in self._undone:
            self._leases.reopen(annotator, item, asked)
        if key is not None:
            self._undone.add(key)
