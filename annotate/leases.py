"""Who has which pair: waiting pairs in order, and per annotator the pairs handed out."""

from collections.abc import Callable, Iterable, Sequence

from storage.records import Pair

Line = dict[str, Pair]
Pick = Callable[[Sequence[Pair]], Pair]
MOST_TO_PICK_FROM = 64


def oldest(pairs: Sequence[Pair]) -> Pair:
    """Pick the pair that waits longest."""
    return pairs[0]


class Leases:
    """In memory only, and every pair is in one place only; its owner guards it between threads.

    An annotator's first pair is the open one, the others are held by the page for later. Where
    several people are to be asked about a pair, it waits again, for others, after each vote.
    """

    def __init__(self) -> None:
        self._waiting: Line = {}
        self._again: Line = {}
        self._asked: dict[str, frozenset[str]] = {}
        self._held: dict[str, Line] = {}
        self._seen: dict[str, float] = {}

    def add(self, pair: Pair, asked: frozenset[str] = frozenset()) -> None:
        """Let a pair wait, behind the others, for anybody but those who were asked."""
        self.note_asked(pair.pair_id, asked)
        self._rest(pair)

    def note_asked(self, pair_id: str, asked: frozenset[str]) -> None:
        """Remember who voted on a pair of which others are still to be asked."""
        if asked:
            self._asked[pair_id] = asked

    def held(self, annotator: str) -> list[Pair]:
        """The annotator's pairs, the open one first."""
        return list(self._held.get(annotator, {}).values())

    def ready(self, stream: str) -> int:
        """How many pairs of a stream wait that nobody was asked about."""
        return sum(pair.stream == stream for pair in self._waiting.values())

    def take(
        self, annotator: str, stream: str, any_version: bool = False, pick: Pick = oldest
    ) -> Pair | None:
        """Lease a waiting pair of a stream, else of any version if that is allowed.

        One that somebody else was asked about comes first; of the others `pick` chooses.
        """
        if pair := self._unfinished(annotator, stream):
            return self._lease(annotator, pair)
        fits = [pair for pair in self._waiting.values() if pair.stream == stream]
        if not fits and any_version:
            fits = [pair for pair in self._waiting.values() if pair.trial is None]
        return self._lease(annotator, pick(fits[:MOST_TO_PICK_FROM])) if fits else None

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
        free = self._waiting | self._again
        for pair in [free[pair_id] for pair_id in pair_ids if pair_id in free]:
            elsewhere = pair.stream not in streams
            if elsewhere and (strict or pair.trial or self.ready(streams[0])):
                passed_over.append(pair.pair_id)
            elif annotator not in self._asked.get(pair.pair_id, ()):
                self._lease(annotator, pair)
        return passed_over

    def drop(self, pair_id: str) -> None:
        """Forget a pair."""
        for line in (self._waiting, self._again, *self._held.values()):
            line.pop(pair_id, None)
        self._asked.pop(pair_id, None)

    def voted(self, pair_id: str, annotator: str, overlap: int) -> None:
        """Let a pair wait for others, or forget it once `overlap` people voted on it."""
        asked = self._asked.get(pair_id, frozenset()) | {annotator}
        if len(asked) >= overlap:
            self.drop(pair_id)
            return
        self._asked[pair_id] = asked
        lines = (self._held.get(annotator, {}), self._waiting)
        if pair := next((line.pop(pair_id) for line in lines if pair_id in line), None):
            self._rest(pair)

    def put_back(self, annotator: str, pair: Pair, asked: frozenset[str]) -> None:
        """Make a pair the annotator's open one; others who voted on it are not asked again."""
        self.drop(pair.pair_id)
        self.note_asked(pair.pair_id, asked)
        self._held[annotator] = {pair.pair_id: pair} | self._held.get(annotator, {})

    def release_unopened(self, version: str) -> None:
        """Let the pairs wait that pages hold for later and that are of another version."""
        for line in self._held.values():
            for pair in list(line.values())[1:]:
                if pair.trial is None and pair.version != version:
                    self._rest(line.pop(pair.pair_id))

    def keep_only(self, annotator: str, trials: Sequence[str | None]) -> list[str]:
        """Let an annotator's pairs wait that are of none of these trials (None: of no trial).

        Returns their ids.
        """
        line = self._held.get(annotator, {})
        others = [pair for pair in line.values() if pair.trial not in trials]
        for pair in others:
            self._rest(line.pop(pair.pair_id))
        return [pair.pair_id for pair in others]

    def let_go(self, annotator: str) -> None:
        """Let all of an annotator's pairs wait again, first."""
        self._first(self._held.pop(annotator, {}))

    def out(self) -> set[str]:
        """The ids of the pairs that annotators hold."""
        return {pair_id for line in self._held.values() for pair_id in line}

    def forget_waiting(self) -> None:
        """Forget the pairs that wait, but those of trials, to add them anew."""
        trials = {pair_id: pair for pair_id, pair in self._waiting.items() if pair.trial}
        self._waiting, self._again, self._asked = trials, {}, {}

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
            self.let_go(annotator)
            del self._seen[annotator]

    def _unfinished(self, annotator: str, stream: str) -> Pair | None:
        fits = (pair for pair in self._again.values() if pair.stream == stream)
        return next((p for p in fits if annotator not in self._asked[p.pair_id]), None)

    def _rest(self, pair: Pair) -> None:
        if pair.check:  # asked of one person on purpose, and nobody else's
            return
        (self._again if pair.pair_id in self._asked else self._waiting)[pair.pair_id] = pair

    def _first(self, line: Line) -> None:
        line = {i: p for i, p in line.items() if p.check is None}
        self._again = {i: p for i, p in line.items() if i in self._asked} | self._again
        self._waiting = {i: p for i, p in line.items() if i not in self._asked} | self._waiting

    def _lease(self, annotator: str, pair: Pair) -> Pair:
        (self._again if pair.pair_id in self._again else self._waiting).pop(pair.pair_id)
        self._held.setdefault(annotator, {})[pair.pair_id] = pair
        return pair
