"""Who has which pair: waiting pairs in order, and per annotator the pairs handed out."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from annotate.labeling.pair_queue import PairQueue, PairsById
from storage.records import Pair

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
        self._waiting, self._partly_voted = PairQueue(), PairQueue()
        self._exhausted: dict[str, set[str]] = {}
        """For each stream, people who were asked about every pair of it that waits again."""
        self._asked: dict[str, frozenset[str]] = {}
        self._held: dict[str, PairsById] = {}
        self._seen: dict[str, float] = {}

    def add(self, pair: Pair, asked: frozenset[str] = frozenset()) -> None:
        """Let a pair wait, behind the others, for anybody but those who were asked."""
        self.note_asked(pair.pair_id, asked)
        self._enqueue(pair)

    def note_asked(self, pair_id: str, asked: frozenset[str]) -> None:
        """Remember who voted on a pair of which others are still to be asked."""
        if asked:
            self._asked[pair_id] = asked

    def held(self, annotator: str) -> list[Pair]:
        """The annotator's pairs, the open one first."""
        return list(self._held.get(annotator, {}).values())

    def ready(self, stream: str) -> int:
        """How many pairs of a stream wait that nobody was asked about."""
        return len(self._waiting.of(stream))

    def take(
        self, annotator: str, stream: str, any_version: bool = False, pick: Pick = oldest
    ) -> Pair | None:
        """Lease a waiting pair of a stream, else of any version if that is allowed.

        One that somebody else was asked about comes first; of the others `pick` chooses.
        """
        if pair := self._unfinished(annotator, stream):
            return self._lease(annotator, pair)
        fits = list(islice(self._waiting.of(stream).values(), MOST_TO_PICK_FROM))
        if not fits and any_version:
            others = (pair for pair in self._waiting if pair.trial is None)
            fits = list(islice(others, MOST_TO_PICK_FROM))
        return self._lease(annotator, pick(fits)) if fits else None

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
        free = [
            self._partly_voted.get(pair_id) or self._waiting.get(pair_id) for pair_id in pair_ids
        ]
        for pair in [pair for pair in free if pair is not None]:
            elsewhere = pair.stream not in streams
            if elsewhere and (strict or pair.trial or self.ready(streams[0])):
                passed_over.append(pair.pair_id)
            elif annotator not in self._asked.get(pair.pair_id, ()):
                self._lease(annotator, pair)
        return passed_over

    def drop(self, pair_id: str) -> None:
        """Forget a pair."""
        self._waiting.pop(pair_id)
        self._partly_voted.pop(pair_id)
        for line in self._held.values():
            line.pop(pair_id, None)
        self._asked.pop(pair_id, None)

    def voted(self, pair_id: str, annotator: str, overlap: int) -> None:
        """Let a pair wait for others, or forget it once `overlap` people voted on it."""
        asked = self._asked.get(pair_id, frozenset()) | {annotator}
        if len(asked) >= overlap:
            self.drop(pair_id)
            return
        self._asked[pair_id] = asked
        held = self._held.get(annotator, {}).pop(pair_id, None)
        if pair := held or self._waiting.pop(pair_id):
            self._enqueue(pair)

    def reopen(self, annotator: str, pair: Pair, asked: frozenset[str]) -> None:
        """Make a pair the annotator's open one; others who voted on it are not asked again."""
        self.drop(pair.pair_id)
        self.note_asked(pair.pair_id, asked)
        self._held[annotator] = {pair.pair_id: pair} | self._held.get(annotator, {})

    def release_unopened(self, version: str) -> None:
        """Let the pairs wait that pages hold for later and that are of another version."""
        for line in self._held.values():
            for pair in list(line.values())[1:]:
                if pair.trial is None and pair.version != version:
                    self._enqueue(line.pop(pair.pair_id))

    def keep_only(self, annotator: str, trials: Sequence[str | None]) -> list[str]:
        """Let an annotator's pairs wait that are of none of these trials (None: of no trial).

        Returns their ids.
        """
        line = self._held.get(annotator, {})
        others = [pair for pair in line.values() if pair.trial not in trials]
        for pair in others:
            self._enqueue(line.pop(pair.pair_id))
        return [pair.pair_id for pair in others]

    def release(self, annotator: str) -> None:
        """Let all of an annotator's pairs wait again, first."""
        self._enqueue_first(self._held.pop(annotator, {}))

    def leased_ids(self) -> set[str]:
        """The ids of the pairs that annotators hold."""
        return {pair_id for line in self._held.values() for pair_id in line}

    def forget_waiting(self) -> None:
        """Forget the pairs that wait, but those of trials, to add them anew."""
        self._waiting = PairQueue(pair for pair in self._waiting if pair.trial)
        self._partly_voted, self._asked, self._exhausted = PairQueue(), {}, {}

    def drop_trial(self, trial: str) -> None:
        """Forget the pairs of a trial that ended, but those that somebody holds."""
        self._waiting = PairQueue(pair for pair in self._waiting if pair.trial != trial)

    def touch(self, annotator: str, now: float) -> None:
        """Remember that the annotator is there."""
        self._seen[annotator] = now

    def expire(self, before: float) -> None:
        """Let the pairs of annotators wait again, first, who were not there since."""
        for annotator in [name for name, seen in self._seen.items() if seen < before]:
            self.release(annotator)
            del self._seen[annotator]

    def _unfinished(self, annotator: str, stream: str) -> Pair | None:
        if annotator in self._exhausted.get(stream, ()):
            return None
        fits = self._partly_voted.of(stream).values()
        pair = next((p for p in fits if annotator not in self._asked[p.pair_id]), None)
        if pair is None:
            self._exhausted.setdefault(stream, set()).add(annotator)
        return pair

    def _enqueue(self, pair: Pair) -> None:
        if pair.check:  # asked of one person on purpose, and nobody else's
            return
        (self._partly_voted if pair.pair_id in self._asked else self._waiting).add(pair)
        self._open_to_others(pair)

    def _open_to_others(self, pair: Pair) -> None:
        if asked := self._asked.get(pair.pair_id):
            self._exhausted.get(pair.stream, set()).intersection_update(asked)

    def _enqueue_first(self, line: PairsById) -> None:
        line = {i: p for i, p in line.items() if p.check is None}
        self._partly_voted.add_first({i: p for i, p in line.items() if i in self._asked})
        self._waiting.add_first({i: p for i, p in line.items() if i not in self._asked})
        for pair in line.values():
            self._open_to_others(pair)

    def _lease(self, annotator: str, pair: Pair) -> Pair:
        if self._partly_voted.pop(pair.pair_id) is None:
            self._waiting.pop(pair.pair_id)
        self._held.setdefault(annotator, {})[pair.pair_id] = pair
        return pair
