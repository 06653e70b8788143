"""The desk: hands every pair to one annotator, takes the votes, takes them back."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from annotate.leases import Leases
from annotate.pace import Pace
from annotate.timing import Monotonic
from storage.errors import AlreadyVoted
from storage.material import IMPORTED
from storage.records import Pair, Verdict, VoteReceipt
from storage.store import Store

LEASE_S = 15 * 60.0
MOST_HELD = 64
MIXED_SHARE = 0.25
"""Of the pairs handed out while a trial is mixed in, those that are its own."""


@dataclass(frozen=True, slots=True)
class Handout:
    """Pairs for an annotator; `passed_over` are pairs of an older version to show no more."""

    pairs: list[Pair]
    passed_over: list[str]


class Desk:
    """Leases of pairs in memory, votes in the store; safe from any thread."""

    def __init__(self, store: Store, base: str, clock: Monotonic, chance: random.Random) -> None:
        self._chance = chance
        self._store = store
        self._base = base
        self._clock = clock
        self._leases = Leases()
        self._version = "base"
        self._undone: set[str] = set()
        self.mixed: str | None = None
        """A trial whose pairs come in between others, for everybody."""
        self._guard = threading.Lock()
        self.votes = Pace(clock)
        self.decisive = Pace(clock)

    @property
    def version(self) -> str:
        """The version that new pairs come from."""
        return self._version

    def open(self, version: str) -> None:
        """Let the stored pairs that nobody voted on wait, and hand out this version's first."""
        pairs = self._store.waiting_pairs(self._base)
        with self._guard:
            self._version = version
            for pair in pairs:
                self._leases.add(pair)

    def switch(self, version: str) -> None:
        """Hand out this version's pairs from now on; a pair that is open stays open."""
        with self._guard:
            self._version = version
            self._leases.release_unopened(version)

    def add(self, pair: Pair) -> None:
        """Let a new pair wait."""
        with self._guard:
            self._leases.add(pair)

    def ready(self, trial: str | None = None) -> int:
        """How many pairs of the active version, or of a trial, wait for anybody.

        Pairs of brought pictures count with the former: while there are some, none need be drawn.
        """
        with self._guard:
            if trial:
                return self._leases.ready(trial)
            return self._leases.ready(self._version) + self._leases.ready(IMPORTED)

    def drop_trial(self, trial: str) -> None:
        """Hand out no more pairs of a trial."""
        with self._guard:
            self.mixed = None if self.mixed == trial else self.mixed
            self._leases.drop_trial(trial)

    def touch(self, annotator: str) -> None:
        """Keep an annotator's leases."""
        with self._guard:
            self._leases.touch(annotator, self._clock())

    def ahead(
        self,
        annotator: str,
        have: Sequence[str],
        want: int,
        any_version: bool,
        trial: str | None = None,
    ) -> Handout:
        """Return up to `want` pairs besides those the annotator's page has, the open one first.

        Pairs of another version than the active one are new only if `any_version`; with `trial` all
        are of that one.
        """
        with self._guard:
            now = self._clock()
            self._leases.touch(annotator, now)
            self._leases.expire(now - LEASE_S)
            others = self._leases.keep_only(annotator, [trial] if trial else [None, self.mixed])
            mixed = [self.mixed] if self.mixed else []
            streams = [trial] if trial else [self._version, IMPORTED, *mixed]
            claimed = self._leases.claim(annotator, have, streams, strict=trial is not None)
            passed_over = list(dict.fromkeys(others + claimed))
            known = set(have)
            held = self._leases.held(annotator)
            pairs = [pair for pair in held if pair.pair_id not in known][:want]
            room = min(want - len(pairs), MOST_HELD - len(held))
            for _ in range(room):
                pair = self._next(annotator, trial, any_version)
                if pair is None:
                    break
                pairs.append(pair)
            return Handout(pairs, passed_over)

    def vote(
        self, pair_id: str, verdict: str, annotator: str, key: str, response_ms: int | None
    ) -> VoteReceipt:
        """Record a vote and let the pair go; raises what the store raises."""
        try:
            receipt = self._store.vote(pair_id, verdict, annotator, key, response_ms)
        except AlreadyVoted:
            self._let_go(pair_id)
            raise
        if not receipt.duplicate:
            self._let_go(pair_id)
        if not receipt.duplicate and receipt.trial is None:
            self.votes.note()
            if Verdict(verdict).decisive:
                self.decisive.note()
        self.touch(annotator)
        return receipt

    def undo(self, annotator: str, key: str | None) -> Pair:
        """Take back the annotator's newest vote and open its pair again, once per key."""
        pair = self._store.undo(annotator, key)
        with self._guard:
            self._leases.touch(annotator, self._clock())
            if key is None or key not in self._undone:
                self._leases.put_back(annotator, pair)
            if key is not None:
                self._undone.add(key)
        return pair

    def _next(self, annotator: str, trial: str | None, any_version: bool) -> Pair | None:
        """The next pair for an annotator: of a trial, mixed in now and then, or to learn from."""
        if trial:
            return self._leases.take(annotator, trial)
        if self.mixed and self._chance.random() < MIXED_SHARE:
            if pair := self._leases.take(annotator, self.mixed):
                return pair
        # What people brought comes first, or drawn pairs without end would drown it.
        brought = self._leases.take(annotator, IMPORTED)
        return brought or self._leases.take(annotator, self._version, any_version)

    def _let_go(self, pair_id: str) -> None:
        with self._guard:
            self._leases.drop(pair_id)
