"""Queue of pairs or quads, with a queue of its own for each stream inside.

A stream is a version, the imported images or a blind test (`Item.stream`). Its items are found
without looking at those of the others, of which there may be thousands.
"""

from collections.abc import Iterable, Iterator
from typing import Generic

from annotate.labeling.items import AnyItem


class ItemQueue(Generic[AnyItem]):
    """Waiting items by id, oldest first; the owner guards it between threads."""

    def __init__(self, items: Iterable[AnyItem] = ()) -> None:
        self._all: dict[str, AnyItem] = {}
        self._streams: dict[str, dict[str, AnyItem]] = {}
        for item in items:
            self.add(item)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._all

    def __iter__(self) -> Iterator[AnyItem]:
        return iter(self._all.values())

    def get(self, item_id: str) -> AnyItem | None:
        """Return the item with this id if it waits, else None."""
        return self._all.get(item_id)

    def of(self, stream: str) -> dict[str, AnyItem]:
        """Return the items of a stream by id, the one that waits longest first."""
        return self._streams.get(stream, {})

    def streams(self) -> list[str]:
        """Return the streams that have items."""
        return [stream for stream, items in self._streams.items() if items]

    def add(self, item: AnyItem) -> None:
        """Append an item."""
        self._all[item.item_id] = item
        self._streams.setdefault(item.stream, {})[item.item_id] = item

    def add_first(self, items: dict[str, AnyItem]) -> None:
        """Prepend items, in their order."""
        self._all = items | self._all
        for stream in {item.stream for item in items.values()}:
            mine = {item_id: item for item_id, item in items.items() if item.stream == stream}
            self._streams[stream] = mine | self.of(stream)

    def pop(self, item_id: str) -> AnyItem | None:
        """Remove an item and return it; None if it does not wait."""
        item = self._all.pop(item_id, None)
        if item is not None:
            stream = self._streams[item.stream]
            del stream[item_id]
            # Blind tests come and go; their empty queues would add up.
            if not stream:
                del self._streams[item.stream]
        return item
