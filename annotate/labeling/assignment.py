"""Pair assignment: hand every pair to one annotator, record the vote, and take it back."""

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from annotate.clock import Monotonic
from annotate.labeling.item_assigner import ItemAssigner, no_stale_items
from annotate.labeling.leases import oldest
from annotate.labeling.rate_meter import RateMeter
from annotate.labeling.stored_pairs import NEAR_PAIRS, StoredPairs
from storage.acts import ActReceipt, NewVote, Selection
from storage.records import Pair, Verdict
from storage.store import Store
from storage.tables.imported_images import IMPORTED

MAX_HELD = 64
"""Pairs that one annotator may hold, so that a broken page cannot take them all."""
OVERLAP = "overlap"
"""The project setting of how many people are asked about each pair."""
VOTED_S, UNMET_S = 180.0, 60.0
"""Somebody labels for so long after their last vote, or after they asked for a pair in vain."""
MIXED_SHARE = 0.25
"""The share of a blind test's pairs among those handed out while it is mixed in."""


@dataclass(frozen=True, slots=True)
class AssignedPairs:
    """Pairs for an annotator; `passed_over` are the ids of those that a page should drop."""

    pairs: list[Pair]
    passed_over: list[str]


def select_by_no_rule(pair_id: str) -> None:
    """Return no rule that selected a pair, which came by its turn."""


def issue_no_control_pair(annotator: str) -> None:
    """Issue no quality-control pair."""


class PairAssigner(ItemAssigner[Pair]):
    """Leases of pairs, votes on them, and the pairs that only some annotators are asked."""

    def __init__(
        self,
        store: Store,
        model_id: str,
        clock: Monotonic,
        chance: random.Random,
        pick: Callable[[Sequence[Pair]], Pair] = oldest,
        selection_of: Callable[[str], Selection | None] = select_by_no_rule,
        issue_control_pair: Callable[[str], Pair | None] = issue_no_control_pair,
        stale_pairs: Callable[[], Collection[str]] = no_stale_items,
        prepared_versions: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """Make an assigner that hands out nothing before `open`.

        Args:
            pick: Picks among waiting pairs.
            selection_of: Returns the rule that selected a pair, and its propensity.
            issue_control_pair: Issues a quality-control pair for an annotator now and then.
            stale_pairs: Returns stored pairs without a vote that are to be shown to nobody.
            prepared_versions: Returns versions that serve while the active one has no pair.
        """
        super().__init__(clock, NEAR_PAIRS)
        self._store, self._model_id, self._chance = store, model_id, chance
        self._pick, self._selection_of = pick, selection_of
        self._issue_control_pair, self._prepared_versions = issue_control_pair, prepared_versions
        self._stored = StoredPairs(store, model_id, self._leases, self._guard, stale_pairs)
        self._version = "base"
        self._hidden: set[str] = set()
        self._asking: set[str] = set()
        self._overlap = 1
        self.votes = RateMeter(clock)
        self.decisive = RateMeter(clock)
        self._unmet = RateMeter(clock)
        """Times at which a page asked for more pairs than there were."""

        self._mixed: str | None = None

    def in_use(self) -> bool:
        """Return whether somebody labels now, or would if there were pairs."""
        voted = self.votes.seconds_since_last() < VOTED_S
        return voted or self._unmet.seconds_since_last() < UNMET_S

    @property
    def version(self) -> str:
        """Return the version that new pairs come from."""
        return self._version

    def open(self, version: str) -> None:
        """Enqueue the stored pairs that lack votes, and hand out this version's first."""
        self._overlap = int(self._store.project_settings.get(OVERLAP, 1))
        with self._guard:
            self._version = version
        self.renew()

    def switch(self, version: str) -> None:
        """Hand out this version's pairs from now on; a pair that is open stays open."""
        with self._guard:
            self._version = version
            self._leases.release_unopened(version)

    def add(self, pair: Pair) -> None:
        """Enqueue a new pair."""
        with self._guard:
            self._leases.add(pair)

    def add_imported(self, pairs: Iterable[Pair]) -> None:
        """Enqueue pairs of imported images, in place of the others that pages hold for later."""
        with self._guard:
            for pair in pairs:
                self._leases.add(pair)
            self._leases.release_unopened(IMPORTED)

    def ready(self, trial: str | None = None) -> int:
        """Count the waiting pairs of the active version, or of a blind test.

        Pairs of imported images count with the former: while there are some, none need be rendered.
        """
        with self._guard:
            if trial:
                return self._leases.ready(trial)
            return self._leases.ready(self._version) + self._leases.ready(IMPORTED)

    def ready_by_version(self) -> dict[str, int]:
        """Count the waiting pairs of each version, and of imported images."""
        with self._guard:
            return self._leases.ready_by_version()

    @property
    def mixed(self) -> str | None:
        """Return the blind test whose pairs come in between others, for everybody."""
        return self._mixed

    def mix_in(self, trial: str) -> None:
        """Let the pairs of a blind test come in between others, for everybody."""
        self._mixed = trial

    def drop_trial(self, trial: str) -> None:
        """Hand out no more pairs of a blind test."""
        with self._guard:
            self._mixed = None if self._mixed == trial else self._mixed
            self._leases.drop_trial(trial)

    @property
    def overlap(self) -> int:
        """Return how many people are asked about each pair."""
        return self._overlap

    def set_overlap(self, overlap: int) -> None:
        """Ask so many people about each pair from now on, pairs already voted on included."""
        self._overlap = overlap
        self.renew()

    def renew(self) -> None:
        """Enqueue anew the stored pairs that lack votes, but none of another look.

        A pair that is open stays open, whatever its look.
        """
        self._stored.renew(self._overlap)

    def hide(self, pair_id: str) -> None:
        """Hand a pair to nobody anymore, and let pages that hold it drop it."""
        with self._guard:
            self._hidden.add(pair_id)
            self._leases.drop(pair_id)

    def show_again(self, pair: Pair) -> None:
        """Enqueue a pair that was hidden, for whoever did not vote on it."""
        asked = self._store.voters(pair.pair_id)
        with self._guard:
            self._hidden.discard(pair.pair_id)
            if len(asked) < self._overlap and pair.trial is None:
                self._leases.add(pair, asked)

    def assign(
        self,
        annotator: str,
        have: Sequence[str],
        want: int,
        any_version: bool,
        trial: str | None = None,
    ) -> AssignedPairs:
        """Lease up to `want` pairs besides those that the annotator's page has, the open one first.

        Args:
            annotator: who labels.
            have: the ids of the pairs that the page holds.
            want: how many more it asks for.
            any_version: whether new pairs may be of another version than the active one.
            trial: the blind test that all pairs are to be of, if any.
        """
        self._stored.bring_near(have)
        with self._guard:
            self._arrive(annotator)
            others = self._leases.keep_only(annotator, [trial] if trial else [None, self._mixed])
            claimed = self._leases.claim(annotator, have, lambda pair: self._keeps(pair, trial))
            hidden = [i for i in have if i in self._hidden or i in self._stored.stale]
            unknown = self._leases.unknown(have)
            pairs = self._unsent(annotator, have, want)
        # A page may hold pairs of the model that was open before.
        foreign = self._store.pairs_of_other_models(unknown, self._model_id) if unknown else ()
        passed_over = list(dict.fromkeys([*others, *claimed, *hidden, *foreign]))

        # One by one, since a quality-control pair is written to the database without the guard.
        for _ in range(want - len(pairs)):
            pair = self._assign_one(annotator, trial, any_version)
            if pair is None:
                break
            pairs.append(pair)
        if len(pairs) < want and trial is None:
            self._unmet.record()
        return AssignedPairs(pairs, passed_over)

    def vote(self, vote: NewVote) -> ActReceipt:
        """Record a vote and release the pair; raises what the store raises."""
        self._stored.bring_near([vote.pair_id])
        selection = self._selection_of(vote.pair_id)
        receipt = self._record(vote, lambda: self._store.vote(vote, selection), self._overlap)
        if not receipt.duplicate:
            self.note_vote(vote.verdict, receipt.trial)
        return receipt

    def note_vote(self, verdict: Verdict, trial: str | None) -> None:
        """Remember that a vote came now, until which it is settled."""
        # Votes in blind tests train nothing, so that they do not count towards the next run.
        if trial is None:
            self.votes.record()
            if verdict.decisive:
                self.decisive.record()

    def reopen(self, annotator: str, pair: Pair, key: str | None) -> None:
        """Make a pair the annotator's open one again after they took back its vote or flag.

        An undo that arrives twice under one key moves no pair twice.
        """
        asked = self._store.voters(pair.pair_id) - {annotator}
        with self._guard:
            self._hidden.discard(pair.pair_id)
            self._reopen(annotator, pair, key, asked)

    def _keeps(self, pair: Pair, trial: str | None) -> bool:
        """Return True if a page may keep a pair that it has: one of a stream that it labels.

        Imported ones come first. One of another version is kept while none of the active one waits
        in its place; a blind test's pair never is outside its test.
        """
        if trial or pair.trial:
            return pair.trial == (trial or self._mixed)
        first = IMPORTED if self._leases.ready(IMPORTED) else self._version
        return pair.stream in (first, IMPORTED) or not self._leases.ready(first)

    def _assign_one(self, annotator: str, trial: str | None, any_version: bool) -> Pair | None:
        asked = None if trial else self._control_pair(annotator)
        with self._guard:
            if asked:
                return self._leases.hold(annotator, asked)
            if len(self._leases.held(annotator)) >= MAX_HELD:
                return None
            return self._next(annotator, trial, any_version)

    def _control_pair(self, annotator: str) -> Pair | None:
        """Return a new quality-control pair for the annotator; None most of the time.

        It is written to the database, so no guard is held meanwhile and others need not wait. An
        annotator with two pages gets one at a time.
        """
        with self._guard:
            if annotator in self._asking or len(self._leases.held(annotator)) >= MAX_HELD:
                return None
            self._asking.add(annotator)
        try:
            return self._issue_control_pair(annotator)
        finally:
            with self._guard:
                self._asking.discard(annotator)

    def _next(self, annotator: str, trial: str | None, any_version: bool) -> Pair | None:
        """Lease the next pair: of a blind test, of one mixed in now and then, or to learn from."""
        if trial:
            return self._leases.take(annotator, trial)
        # At random, so that nobody can tell a pair of the blind test by its turn.
        if self._mixed and self._chance.random() < MIXED_SHARE:
            if pair := self._leases.take(annotator, self._mixed):
                return pair

        # Imported pairs come first, or rendered ones, which never end, would drown them.
        imported = self._leases.take(annotator, IMPORTED, pick=self._pick)
        fresh = imported or self._leases.take(annotator, self._version, any_version, self._pick)
        return fresh or self._next_prepared(annotator)

    def _next_prepared(self, annotator: str) -> Pair | None:
        """Lease a pair that was prepared with an earlier version, so that nobody need wait."""
        for version in self._prepared_versions():
            if pair := self._leases.take(annotator, version, pick=self._pick):
                return pair
        return None
