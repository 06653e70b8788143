"""Leases: waiting items in order, and for each annotator the items handed out to them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Generic

from annotate.labeling.item_queue import ItemQueue
from annotate.labeling.items import AnyItem

CANDIDATE_LIMIT = 64
"""The oldest items that `pick` chooses among, so that a long queue does not slow a request."""


def oldest(items: Sequence[AnyItem]) -> AnyItem:
    """Pick the item that waits longest."""
    return items[0]


def any_item(item: object) -> bool:
    """Let a page keep whatever it has."""
    return True


class Leases(Generic[AnyItem]):
    """Leases in memory; every item is in one place only, and the owner guards it between threads.

    An annotator's first item is the open one; the page holds the others for later. Where several
    people are asked about each item, it waits again, for others, after each vote.
    """

    def __init__(self, near: int | None = None) -> None:
        """Hold the first `near` items of each stream and the ids of the others; None holds all."""
        self._near = near
        self._waiting: ItemQueue[AnyItem] = ItemQueue(near=near)
        self._partly_voted: ItemQueue[AnyItem] = ItemQueue()
        self._exhausted: dict[str, set[str]] = {}
        """For each stream, the people who voted on every partly voted item of it."""
        self._asked: dict[str, frozenset[str]] = {}
        """For each item, the people who voted on it while others are still to be asked."""
        self._held: dict[str, dict[str, AnyItem]] = {}
        self._seen: dict[str, float] = {}

    def add(self, item: AnyItem, asked: frozenset[str] = frozenset()) -> None:
        """Enqueue an item for anybody but those who were asked."""
        self.note_asked(item.item_id, asked)
        self._enqueue(item)

    def note_asked(self, item_id: str, asked: frozenset[str]) -> None:
        """Remember who voted on an item of which others are still to be asked."""
        if asked:
            self._asked[item_id] = asked

    def unknown(self, item_ids: Iterable[str]) -> list[str]:
        """Return those that neither wait nor are held by anybody."""
        return [
            item_id
            for item_id in item_ids
            if not any(item_id in items for items in self._held.values())
            and item_id not in self._waiting
            and item_id not in self._partly_voted
        ]

    def held(self, annotator: str) -> list[AnyItem]:
        """Return the annotator's items, the open one first."""
        return list(self._held.get(annotator, {}).values())

    def ready(self, stream: str) -> int:
        """Count the waiting items of a stream that nobody voted on."""
        return self._waiting.count(stream)

    def ready_by_version(self) -> dict[str, int]:
        """Count the waiting items that nobody voted on, by version; none of a blind test."""
        return self._waiting.counts()

    def add_far(self, stream: str, item_id: str) -> None:
        """Enqueue an item by its id, to be read once its turn comes."""
        self._waiting.add_far(stream, item_id)

    def to_read(self, item_ids: Iterable[str]) -> list[str]:
        """Return the ids of items to read: those of these that are far, and the next of others."""
        return [*filter(self._waiting.is_far, item_ids), *self._waiting.to_read()]

    def bring_near(self, items: Iterable[AnyItem]) -> None:
        """Hold items that were read."""
        self._waiting.bring_near(items)

    def take(
        self,
        annotator: str,
        stream: str,
        any_version: bool = False,
        pick: Callable[[Sequence[AnyItem]], AnyItem] = oldest,
    ) -> AnyItem | None:
        """Lease a waiting item of a stream, else of any version if that is allowed.

        One that somebody else voted on comes first; of the others `pick` chooses. Returns None if
        none waits.
        """
        if item := self._next_partly_voted(annotator, stream):
            return self._lease(annotator, item)

        candidates = list(islice(self._waiting.of(stream).values(), CANDIDATE_LIMIT))
        if not candidates and any_version:
            others = (item for item in self._waiting if item.trial is None)
            candidates = list(islice(others, CANDIDATE_LIMIT))
        return self._lease(annotator, pick(candidates)) if candidates else None

    def hold(self, annotator: str, item: AnyItem) -> AnyItem:
        """Lease an item that is in no queue."""
        self._held.setdefault(annotator, {})[item.item_id] = item
        return item

    def hold_next(self, annotator: str, item: AnyItem) -> None:
        """Lease an item before those that the annotator has not opened."""
        held = list(self._held.get(annotator, {}).items())
        self._held[annotator] = dict([*held[:1], (item.item_id, item), *held[1:]])

    def hold_first(self, annotator: str, item: AnyItem) -> None:
        """Lease an item as the annotator's open one."""
        self._held[annotator] = {item.item_id: item} | self._held.get(annotator, {})

    def claim(
        self,
        annotator: str,
        item_ids: Iterable[str],
        keeps: Callable[[AnyItem], bool] = any_item,
    ) -> list[str]:
        """Lease items that a page has already; return those that it must not keep, which stay.

        A page holds items whose lease expired, or that it got before the app was restarted.
        """
        passed_over = []
        free = [
            self._partly_voted.get(item_id) or self._waiting.get(item_id) for item_id in item_ids
        ]
        for item in [item for item in free if item is not None]:
            if not keeps(item):
                passed_over.append(item.item_id)
            elif annotator not in self._asked.get(item.item_id, ()):
                self._lease(annotator, item)
        return passed_over

    def drop(self, item_id: str) -> None:
        """Forget an item."""
        self._waiting.pop(item_id)
        self._partly_voted.pop(item_id)
        for items in self._held.values():
            items.pop(item_id, None)
        self._asked.pop(item_id, None)

    def voted(self, item_id: str, annotator: str, overlap: int) -> None:
        """Enqueue an item for others, or forget it once `overlap` people voted on it."""
        asked = self._asked.get(item_id, frozenset()) | {annotator}
        if len(asked) >= overlap:
            self.drop(item_id)
            return

        self._asked[item_id] = asked
        held = self._held.get(annotator, {}).pop(item_id, None)
        if item := held or self._waiting.pop(item_id):
            self._enqueue(item)

    def reopen(self, annotator: str, item: AnyItem, asked: frozenset[str]) -> None:
        """Make an item the annotator's open one; others who voted on it are not asked again."""
        self.drop(item.item_id)
        self.note_asked(item.item_id, asked)
        self.hold_first(annotator, item)

    def release_unopened(self, version: str) -> None:
        """Enqueue the items of other versions that pages hold for later."""
        for items in self._held.values():
            # The first one is on the screen; it would change under the annotator's eyes.
            for item in list(items.values())[1:]:
                if item.trial is None and item.version != version:
                    self._enqueue(items.pop(item.item_id))

    def drop_unopened(self, item_ids: Collection[str]) -> None:
        """Forget items that pages hold for later; the open ones stay, as in `release_unopened`."""
        for items in self._held.values():
            for item_id in list(items)[1:]:
                if item_id in item_ids:
                    del items[item_id]

    def keep_only(self, annotator: str, trials: Sequence[str | None]) -> list[str]:
        """Enqueue an annotator's items that are of none of these blind tests; return their ids.

        None among `trials` stands for items of no blind test.
        """
        items = self._held.get(annotator, {})
        others = [item for item in items.values() if item.trial not in trials]
        for item in others:
            self._enqueue(items.pop(item.item_id))
        return [item.item_id for item in others]

    def release(self, annotator: str) -> None:
        """Put all of an annotator's items at the head of the queue."""
        self._enqueue_first(self._held.pop(annotator, {}))

    def leased_ids(self) -> set[str]:
        """Return the ids of the items that annotators hold."""
        return {item_id for items in self._held.values() for item_id in items}

    def forget_waiting(self) -> None:
        """Forget the queued items, but those of blind tests, to add them anew."""
        self._waiting = ItemQueue((item for item in self._waiting if item.trial), self._near)
        self._partly_voted, self._asked, self._exhausted = ItemQueue(), {}, {}

    def drop_trial(self, trial: str) -> None:
        """Forget the queued items of a blind test that ended; those handed out stay."""
        self._waiting.drop_stream(trial)

    def touch(self, annotator: str, now: float) -> None:
        """Renew an annotator's leases."""
        self._seen[annotator] = now

    def expire(self, before: float) -> None:
        """Release the items of annotators who were not seen since."""
        for annotator in [name for name, seen in self._seen.items() if seen < before]:
            self.release(annotator)
            del self._seen[annotator]

    def _next_partly_voted(self, annotator: str, stream: str) -> AnyItem | None:
        # Remembered, or each request of a diligent annotator would walk the whole queue.
        if annotator in self._exhausted.get(stream, ()):
            return None
        items = self._partly_voted.of(stream).values()
        item = next((p for p in items if annotator not in self._asked[p.item_id]), None)
        if item is None:
            self._exhausted.setdefault(stream, set()).add(annotator)
        return item

    def _enqueue(self, item: AnyItem) -> None:
        if item.check:  # a control pair is one person's only
            return
        (self._partly_voted if item.item_id in self._asked else self._waiting).add(item)
        self._note_unexhausted(item)

    def _note_unexhausted(self, item: AnyItem) -> None:
        """Let everybody look again who has not voted on this item."""
        if asked := self._asked.get(item.item_id):
            self._exhausted.get(item.stream, set()).intersection_update(asked)

    def _enqueue_first(self, items: dict[str, AnyItem]) -> None:
        items = {i: p for i, p in items.items() if p.check is None}
        self._partly_voted.add_first({i: p for i, p in items.items() if i in self._asked})
        self._waiting.add_first({i: p for i, p in items.items() if i not in self._asked})
        for item in items.values():
            self._note_unexhausted(item)

    def _lease(self, annotator: str, item: AnyItem) -> AnyItem:
        if self._partly_voted.pop(item.item_id) is None:
            self._waiting.pop(item.item_id)
        self._held.setdefault(annotator, {})[item.item_id] = item
        return item
