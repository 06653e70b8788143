"""Queue of pairs, with a queue of its own for each stream inside.

A stream is a version, the imported images or a blind test (`Pair.stream`). Its pairs are found
without looking at those of the others, of which there may be thousands.
"""

from collections.abc import Iterable, Iterator

from storage.records import Pair

PairsById = dict[str, Pair]


class PairQueue:
    """Waiting pairs by id, oldest first; the owner guards it between threads."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._all: PairsById = {}
        self._streams: dict[str, PairsById] = {}
        for pair in pairs:
            self.add(pair)

    def __contains__(self, pair_id: str) -> bool:
        return pair_id in self._all

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._all.values())

    def get(self, pair_id: str) -> Pair | None:
        """Return the pair with this id if it waits, else None."""
        return self._all.get(pair_id)

    def of(self, stream: str) -> PairsById:
        """Return the pairs of a stream, the one that waits longest first."""
        return self._streams.get(stream, {})

    def add(self, pair: Pair) -> None:
        """Append a pair."""
        self._all[pair.pair_id] = pair
        self._streams.setdefault(pair.stream, {})[pair.pair_id] = pair

    def add_first(self, pairs: PairsById) -> None:
        """Prepend pairs, in their order."""
        self._all = pairs | self._all
        for stream in {pair.stream for pair in pairs.values()}:
            mine = {pair_id: pair for pair_id, pair in pairs.items() if pair.stream == stream}
            self._streams[stream] = mine | self.of(stream)

    def pop(self, pair_id: str) -> Pair | None:
        """Remove a pair and return it; None if it does not wait."""
        pair = self._all.pop(pair_id, None)
        if pair is not None:
            stream = self._streams[pair.stream]
            del stream[pair_id]
            # Blind tests come and go; their empty queues would add up.
            if not stream:
                del self._streams[pair.stream]
        return pair
