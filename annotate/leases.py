"""Who has which pair: waiting pairs in order, and per annotator the pairs handed out."""

from collections.abc import Iterable, Sequence

from storage.records import Pair

Line = dict[str, Pair]


class Leases:
    """In memory only, and every pair is in one place only; its owner guards it between threads.

    An annotator's first pair is the open one, the others are held by the page for later.
    """

    def __init__(self) -> None:
        self._waiting: Line = {}
        self._held: dict[str, Line] = {}
        self._seen: dict[str, float] = {}

    def add(self, pair: Pair) -> None:
        """Let a pair wait, behind the others."""
        self._waiting[pair.pair_id] = pair

    def held(self, annotator: str) -> list[Pair]:
        """The annotator's pairs, the open one first."""
        return list(self._held.get(annotator, {}).values())

    def ready(self, stream: str) -> int:
        """How many pairs of a stream wait."""
        return sum(pair.stream == stream for pair in self._waiting.values())

    def take(self, annotator: str, stream: str, any_version: bool = False) -> Pair | None:
        """Lease the oldest waiting pair of a stream, else of any version if that is allowed."""
        fits = (pair for pair in self._waiting.values() if pair.stream == stream)
        pair = next(fits, None)
        if pair is None and any_version:
            pair = next((pair for pair in self._waiting.values() if pair.trial is None), None)
        return self._lease(annotator, pair) if pair else None

    def hold(self, annotator: str, pair: Pair) -> Pair:
        """Lease a pair that waited for nobody else."""
        self._held.setdefault(annotator, {})[pair.pair_id] = pair
        return pair

    def claim(
        self, annotator: str, pair_ids: Iterable[str], streams: Sequence[str], strict: bool
    ) -> list[str]:
        """Lease pairs that a page has already; return those of other streams, which stay here.

        Unless `strict`, those of another version are leased too when no pair of the first stream
        waits in their place; a trial's pair never is outside its trial.
        """
        passed_over = []
        mine = [pair_id for pair_id in pair_ids if pair_id in self._waiting]
        for pair_id in mine:
            pair = self._waiting[pair_id]
            if pair.stream not in streams and (strict or pair.trial or self.ready(streams[0])):
                passed_over.append(pair_id)
            else:
                self._lease(annotator, pair)
        return passed_over

    def drop(self, pair_id: str) -> None:
        """Forget a pair that was voted on."""
        for line in (self._waiting, *self._held.values()):
            line.pop(pair_id, None)

    def put_back(self, annotator: str, pair: Pair) -> None:
        """Make a pair the annotator's open one."""
        self.drop(pair.pair_id)
        self._held[annotator] = {pair.pair_id: pair} | self._held.get(annotator, {})

    def release_unopened(self, version: str) -> None:
        """Let the pairs wait that pages hold for later and that are of another version."""
        for line in self._held.values():
            for pair in list(line.values())[1:]:
                if pair.trial is None and pair.check is None and pair.version != version:
                    self._waiting[pair.pair_id] = line.pop(pair.pair_id)

    def keep_only(self, annotator: str, trials: Sequence[str | None]) -> list[str]:
        """Let an annotator's pairs wait that are of none of these trials (None: of no trial).

        Returns their ids.
        """
        line = self._held.get(annotator, {})
        others = [pair for pair in line.values() if pair.trial not in trials]
        for pair in others:
            del line[pair.pair_id]
            if pair.check is None:
                self._waiting[pair.pair_id] = pair
        return [pair.pair_id for pair in others]

    def drop_trial(self, trial: str) -> None:
        """Forget the pairs of a trial that ended, but those that somebody holds."""
        waiting = self._waiting.items()
        self._waiting = {pair_id: pair for pair_id, pair in waiting if pair.trial != trial}

    def touch(self, annotator: str, now: float) -> None:
        """Remember that the annotator is there."""
        self._seen[annotator] = now

    def expire(self, before: float) -> None:
        """Let the pairs of annotators wait again, first, who were not there since."""
        for annotator in [name for name, seen in self._seen.items() if seen < before]:
            self._wait_again(self._held.pop(annotator, {}))
            del self._seen[annotator]

    def _wait_again(self, line: Line) -> None:
        """Let pairs wait first; what one person was asked on purpose is for nobody else."""
        free = {pair_id: pair for pair_id, pair in line.items() if pair.check is None}
        self._waiting = free | self._waiting

    def _lease(self, annotator: str, pair: Pair) -> Pair:
        del self._waiting[pair.pair_id]
        self._held.setdefault(annotator, {})[pair.pair_id] = pair
        return pair
