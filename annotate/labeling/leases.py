"""Leases: waiting pairs in order, and for each annotator the pairs handed out to them."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from annotate.labeling.pair_queue import PairQueue, PairsById
from storage.records import Pair

Pick = Callable[[Sequence[Pair]], Pair]
CANDIDATE_LIMIT = 64
"""The oldest pairs that `pick` chooses among, so that a long queue does not slow a request."""


def oldest(pairs: Sequence[Pair]) -> Pair:
    """Pick the pair that waits longest."""
    return pairs[0]


class Leases:
    """Leases in memory; every pair is in one place only, and the owner guards it between threads.

    An annotator's first pair is the open one; the page holds the others for later. Where several
    people are asked about each pair, it waits again, for others, after each vote.
    """

    def __init__(self) -> None:
        self._waiting, self._partly_voted = PairQueue(), PairQueue()
        self._exhausted: dict[str, set[str]] = {}
        """For each stream, the people who voted on every partly voted pair of it."""
        self._asked: dict[str, frozenset[str]] = {}
        """For each pair, the people who voted on it while others are still to be asked."""
        self._held: dict[str, PairsById] = {}
        self._seen: dict[str, float] = {}

    def add(self, pair: Pair, asked: frozenset[str] = frozenset()) -> None:
        """Enqueue a pair for anybody but those who were asked."""
        self.note_asked(pair.pair_id, asked)
        self._enqueue(pair)

    def note_asked(self, pair_id: str, asked: frozenset[str]) -> None:
        """Remember who voted on a pair of which others are still to be asked."""
        if asked:
            self._asked[pair_id] = asked

    def held(self, annotator: str) -> list[Pair]:
        """Return the annotator's pairs, the open one first."""
        return list(self._held.get(annotator, {}).values())

    def ready(self, stream: str) -> int:
        """Count the waiting pairs of a stream that nobody voted on."""
        return len(self._waiting.of(stream))

    def take(
        self, annotator: str, stream: str, any_version: bool = False, pick: Pick = oldest
    ) -> Pair | None:
        """Lease a waiting pair of a stream, else of any version if that is allowed.

        One that somebody else voted on comes first; of the others `pick` chooses. Returns None if
        none waits.
        """
        if pair := self._next_partly_voted(annotator, stream):
            return self._lease(annotator, pair)

        candidates = list(islice(self._waiting.of(stream).values(), CANDIDATE_LIMIT))
        if not candidates and any_version:
            others = (pair for pair in self._waiting if pair.trial is None)
            candidates = list(islice(others, CANDIDATE_LIMIT))
        return self._lease(annotator, pick(candidates)) if candidates else None

    def hold(self, annotator: str, pair: Pair) -> Pair:
        """Lease a pair that is in no queue."""
        self._held.setdefault(annotator, {})[pair.pair_id] = pair
        return pair

    def claim(
        self, annotator: str, pair_ids: Iterable[str], streams: Sequence[str], strict: bool
    ) -> list[str]:
        """Lease pairs that a page has already; return those of other streams, which stay queued.

        A page holds pairs whose lease expired, or that it got before the app was restarted. Unless
        `strict`, those of another version are leased too when no pair of the first stream waits in
        their place; a blind test's pair never is outside its test.
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
        for pairs in self._held.values():
            pairs.pop(pair_id, None)
        self._asked.pop(pair_id, None)

    def voted(self, pair_id: str, annotator: str, overlap: int) -> None:
        """Enqueue a pair for others, or forget it once `overlap` people voted on it."""
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
        """Enqueue the pairs of other versions that pages hold for later."""
        for pairs in self._held.values():
            # The first one is on the screen; it would change under the annotator's eyes.
            for pair in list(pairs.values())[1:]:
                if pair.trial is None and pair.version != version:
                    self._enqueue(pairs.pop(pair.pair_id))

    def keep_only(self, annotator: str, trials: Sequence[str | None]) -> list[str]:
        """Enqueue an annotator's pairs that are of none of these blind tests; return their ids.

        None among `trials` stands for pairs of no blind test.
        """
        pairs = self._held.get(annotator, {})
        others = [pair for pair in pairs.values() if pair.trial not in trials]
        for pair in others:
            self._enqueue(pairs.pop(pair.pair_id))
        return [pair.pair_id for pair in others]

    def release(self, annotator: str) -> None:
        """Put all of an annotator's pairs at the head of the queue."""
        self._enqueue_first(self._held.pop(annotator, {}))

    def leased_ids(self) -> set[str]:
        """Return the ids of the pairs that annotators hold."""
        return {pair_id for pairs in self._held.values() for pair_id in pairs}

    def forget_waiting(self) -> None:
        """Forget the queued pairs, but those of blind tests, to add them anew."""
        self._waiting = PairQueue(pair for pair in self._waiting if pair.trial)
        self._partly_voted, self._asked, self._exhausted = PairQueue(), {}, {}

    def drop_trial(self, trial: str) -> None:
        """Forget the queued pairs of a blind test that ended; those handed out stay."""
        self._waiting = PairQueue(pair for pair in self._waiting if pair.trial != trial)

    def touch(self, annotator: str, now: float) -> None:
        """Renew an annotator's leases."""
        self._seen[annotator] = now

    def expire(self, before: float) -> None:
        """Release the pairs of annotators who were not seen since."""
        for annotator in [name for name, seen in self._seen.items() if seen < before]:
            self.release(annotator)
            del self._seen[annotator]

    def _next_partly_voted(self, annotator: str, stream: str) -> Pair | None:
        # Remembered, or each request of a diligent annotator would walk the whole queue.
        if annotator in self._exhausted.get(stream, ()):
            return None
        pairs = self._partly_voted.of(stream).values()
        pair = next((p for p in pairs if annotator not in self._asked[p.pair_id]), None)
        if pair is None:
            self._exhausted.setdefault(stream, set()).add(annotator)
        return pair

    def _enqueue(self, pair: Pair) -> None:
        if pair.check:  # a quality-control pair is one person's only
            return
        (self._partly_voted if pair.pair_id in self._asked else self._waiting).add(pair)
        self._note_unexhausted(pair)

    def _note_unexhausted(self, pair: Pair) -> None:
        """Let everybody look again who has not voted on this pair."""
        if asked := self._asked.get(pair.pair_id):
            self._exhausted.get(pair.stream, set()).intersection_update(asked)

    def _enqueue_first(self, pairs: PairsById) -> None:
        pairs = {i: p for i, p in pairs.items() if p.check is None}
        self._partly_voted.add_first({i: p for i, p in pairs.items() if i in self._asked})
        self._waiting.add_first({i: p for i, p in pairs.items() if i not in self._asked})
        for pair in pairs.values():
            self._note_unexhausted(pair)

    def _lease(self, annotator: str, pair: Pair) -> Pair:
        if self._partly_voted.pop(pair.pair_id) is None:
            self._waiting.pop(pair.pair_id)
        self._held.setdefault(annotator, {})[pair.pair_id] = pair
        return pair
