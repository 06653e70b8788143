"""Pairs that wait, in order; those of one stream are found without looking at the others."""

from collections.abc import Iterable, Iterator

from storage.records import Pair

PairsById = dict[str, Pair]


class PairQueue:
    """Lines of pairs by id, one a stream; their owner guards them between threads."""

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
        """Return the pair with this id, if it waits."""
        return self._all.get(pair_id)

    def of(self, stream: str) -> PairsById:
        """Return the pairs of a stream, the one that waits longest first."""
        return self._streams.get(stream, {})

    def add(self, pair: Pair) -> None:
        """Let a pair wait behind the others."""
        self._all[pair.pair_id] = pair
        self._streams.setdefault(pair.stream, {})[pair.pair_id] = pair

    def add_first(self, line: PairsById) -> None:
        """Let pairs wait before the others."""
        self._all = line | self._all
        for stream in {pair.stream for pair in line.values()}:
            mine = {pair_id: pair for pair_id, pair in line.items() if pair.stream == stream}
            self._streams[stream] = mine | self.of(stream)

    def pop(self, pair_id: str) -> Pair | None:
        """Let a pair wait no more, and return it."""
        pair = self._all.pop(pair_id, None)
        if pair is not None:
            line = self._streams[pair.stream]
            del line[pair_id]
            if not line:
                del self._streams[pair.stream]
        return pair
