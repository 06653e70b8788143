"""Queue of pairs or quads, with a queue of its own for each stream inside.

A stream is a version, the imported images or a blind test (`Item.stream`). Its items are found
without looking at those of the others, of which there may be thousands. Of a long stream only the
first are held; the others are far: their ids are, and they are read when their turn comes.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic

from annotate.labeling.items import AnyItem

Ids = dict[str, None]
"""Ids in their order."""


class ItemQueue(Generic[AnyItem]):
    """Waiting items by id, oldest first; the owner guards it between threads."""

    def __init__(self, items: Iterable[AnyItem] = (), near: int | None = None) -> None:
        """Hold `near` items of each stream and the ids of the others; None holds all of them."""
        self._all: dict[str, AnyItem] = {}
        self._streams: dict[str, dict[str, AnyItem]] = {}
        self._far: dict[str, Ids] = {}
        self._near = near
        for item in items:
            self.add(item)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._all or self.is_far(item_id)

    def __iter__(self) -> Iterator[AnyItem]:
        """Yield the items that are held."""
        return iter(self._all.values())

    def get(self, item_id: str) -> AnyItem | None:
        """Return the item with this id if it is held, else None."""
        return self._all.get(item_id)

    def of(self, stream: str) -> dict[str, AnyItem]:
        """Return the held items of a stream by id, the one that waits longest first."""
        return self._streams.get(stream, {})

    def count(self, stream: str) -> int:
        """Count the items of a stream, far ones included."""
        return len(self.of(stream)) + len(self._far.get(stream, ()))

    def counts(self) -> dict[str, int]:
        """Count the items of every stream but those of blind tests."""
        heads = {stream: next(iter(items.values())) for stream, items in self._streams.items()}
        shown = [stream for stream in heads | self._far if stream not in _trials(heads.values())]
        return {stream: self.count(stream) for stream in shown}

    def add(self, item: AnyItem) -> None:
        """Append an item."""
        if self._near is not None and item.trial is None:
            if item.stream in self._far or len(self.of(item.stream)) >= self._near:
                self.add_far(item.stream, item.item_id)
                return
        self._hold(item)

    def add_far(self, stream: str, item_id: str) -> None:
        """Append an item by its id, to be read later."""
        self._far.setdefault(stream, {})[item_id] = None

    def add_first(self, items: dict[str, AnyItem]) -> None:
        """Prepend items, in their order."""
        self._all = items | self._all
        for stream in {item.stream for item in items.values()}:
            mine = {item_id: item for item_id, item in items.items() if item.stream == stream}
            self._streams[stream] = mine | self.of(stream)

    def pop(self, item_id: str) -> AnyItem | None:
        """Remove an item and return it; None if it does not wait, or is far."""
        item = self._all.pop(item_id, None)
        if item is not None:
            stream = self._streams[item.stream]
            del stream[item_id]
            # Blind tests come and go; their empty queues would add up.
            if not stream:
                del self._streams[item.stream]
        elif self._far:
            self._forget_far(item_id)
        return item

    def drop_stream(self, stream: str) -> None:
        """Remove the items of a stream."""
        for item_id in self._streams.pop(stream, {}):
            del self._all[item_id]
        self._far.pop(stream, None)

    def is_far(self, item_id: str) -> bool:
        """Return whether an item waits of which only the id is held."""
        return any(item_id in ids for ids in self._far.values())

    def to_read(self) -> list[str]:
        """Return the ids of far items whose turn comes soon, for `bring_near`."""
        near = self._near or 0
        return [
            item_id
            for stream, ids in self._far.items()
            # Half of them at a time, so that this is rare.
            if len(self.of(stream)) <= near // 2
            for item_id in islice(ids, near - len(self.of(stream)))
        ]

    def bring_near(self, items: Iterable[AnyItem]) -> None:
        """Hold items that were read, but for those that were taken meanwhile."""
        for item in items:
            if self.is_far(item.item_id):
                self._forget_far(item.item_id)
                self._hold(item)

    def _hold(self, item: AnyItem) -> None:
        self._all[item.item_id] = item
        self._streams.setdefault(item.stream, {})[item.item_id] = item

    def _forget_far(self, item_id: str) -> None:
        for stream, ids in list(self._far.items()):
            ids.pop(item_id, None)
            if not ids:
                del self._far[stream]


def _trials(items: Iterable[AnyItem]) -> set[str]:
    """Return the streams among those of some items that are of blind tests."""
    return {item.stream for item in items if item.trial is not None}
