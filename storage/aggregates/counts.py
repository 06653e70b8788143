"""What the votes add up to, held in memory.

Asked of the database, each of these sums takes 10 to 60 ms at 100,000 votes, and the page asks
after every vote. So the first question about a model adds up its rows; a vote, an undo, a report
or a new pair moves the sums by what it changes, and anything rarer (a run, an exclusion) makes the
next question add up anew.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

from storage.aggregates.count_deltas import NEWEST_RUN, PairChanges, PairContribution
from storage.database import Cursor, Database, Row
from storage.errors import BrokenStudio, DiskFull
from storage.records import Counts, Pair, Verdict

Result = TypeVar("Result")
Move = tuple[PairContribution, PairContribution]
"""What a pair contributed before a transaction, and after it."""

# Votes on pairs that come in between others and must look like them: asked on purpose, or of a
# blind test that is mixed in. They teach nothing, and whatever a labeler is told counts them.
INTERLEAVED = """
SELECT verdict, count(*) FROM current_votes
WHERE base = ? AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs) AND pair_id IN (
    SELECT pair_id FROM control_pairs
    UNION ALL
    SELECT pair_id FROM trial_pairs JOIN trials USING (trial_id)
    WHERE coalesce((options ->> 'mixed')::BOOLEAN, FALSE)
)
GROUP BY verdict
"""

VERDICTS = "SELECT verdict, count(*) FROM candidate_votes WHERE base = ? GROUP BY verdict"

# A ranking of four counts as one vote: its pairs hang together.
RANKED = "SELECT count(best), count(*) - count(best) FROM current_rankings WHERE base = ?"

EXCLUDED = "SELECT person FROM excluded_people WHERE base = ?"

WAITING = """
SELECT number, pair_id, prompt, left_image, right_image, version FROM pairs
WHERE base = ? AND pair_id NOT IN (SELECT pair_id FROM current_votes)
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
ORDER BY number
"""

# The newest run that neither failed nor was cancelled says which votes were learned from; one on a
# single person's votes does not count, or everybody else's would be new again.
UNLEARNED = f"""
SELECT (
    SELECT count(*) FROM trainable_votes
    WHERE base = $base AND winner IS NOT NULL AND vote_id NOT IN (
        SELECT vote_id FROM snapshot_votes WHERE snapshot_id = ({NEWEST_RUN})
    )
) + (
    SELECT count(*) FROM current_rankings
    WHERE base = $base AND best IS NOT NULL AND ranking_id NOT IN (
        SELECT ranking_id FROM snapshot_rankings WHERE snapshot_id = ({NEWEST_RUN})
    ) AND annotator NOT IN (SELECT person FROM excluded_people WHERE base = $base)
)
"""


@dataclass(slots=True)
class ModelCounts:
    """The sums of one model: votes by verdict, decisive ones no run has learned, waiting pairs."""

    verdicts: Counter[Verdict]
    ranked: int
    unlearned: int
    waiting: dict[str, tuple[int, Pair]]
    """Pairs without a vote by id, each with its number, in that order."""
    interleaved: Counter[Verdict]
    """Votes on pairs in between: counted as votes, and as nothing to learn from."""
    hidden: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    """People of whom nothing is learned."""

    def counts(self) -> Counts:
        """The current votes: all of them, and of those that could teach each kind."""
        counts = counted(self.verdicts, self.ranked)
        return replace(counts, votes=counts.votes + self.interleaved.total())

    def labeler_counts(self) -> Counts:
        """The current votes as labelers are told of them: every one counts alike."""
        return counted(self.verdicts + self.interleaved, self.ranked)

    def first_waiting(self, limit: int | None) -> list[Pair]:
        """Return the pairs that wait longest."""
        return [pair for _, pair in islice(self.waiting.values(), limit)]

    def move(self, before: PairContribution, after: PairContribution) -> None:
        """Take in what became of a pair."""
        pair_id = after.pair.pair_id
        self.verdicts.update(after.verdicts)
        self.verdicts.subtract(before.verdicts)
        self.unlearned += after.unlearned - before.unlearned
        self.interleaved.update(after.interleaved)
        self.interleaved.subtract(before.interleaved)
        self.hidden.discard(pair_id)
        self.hidden |= {pair_id} if after.hidden else set()
        self.waiting.pop(pair_id, None)
        if after.waits:
            self.waiting[pair_id] = after.number, after.pair
            # Its place is among the older ones; the others are in order already, which is quick.
            self.waiting = dict(sorted(self.waiting.items(), key=lambda one: one[1][0]))


class RunningCounts:
    """The sums of every model; changed only by `write` and `then`, in the order of the commits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._sums: dict[str, ModelCounts] = {}

    def counts(self, base: str) -> Counts:
        """Count the current votes on a model's pairs."""
        return self._ask(base, ModelCounts.counts)

    def labeler_counts(self, base: str) -> Counts:
        """Count the current votes, those in between too, so that nothing tells them apart."""
        return self._ask(base, ModelCounts.labeler_counts)

    def unlearned(self, base: str) -> int:
        """Count the current decisive votes that the newest run has not learned from."""
        return self._ask(base, lambda sums: sums.unlearned)

    def waiting(self, base: str, limit: int | None) -> list[Pair]:
        """Return the pairs of a model without a current vote, oldest first."""
        return self._ask(base, lambda sums: sums.first_waiting(limit))

    def write(self, work: Callable[[Cursor], Result], then: Callable[[Result], None]) -> Result:
        """Run a transaction that changes the sums, and `then` change them before any other does."""
        try:
            return self._database.write(work, then)
        except (DiskFull, BrokenStudio):
            # A failed commit says nothing for certain; what is on the disk decides.
            self.forget()
            raise

    def change(self, work: Callable[[Cursor, PairChanges], Result]) -> Result:
        """Run a transaction that says which pairs it changes, and move the sums by that."""

        def whole(
            cursor: Cursor,
        ) -> tuple[Result, PairChanges, list[Move]]:
            changes = PairChanges()
            result = work(cursor, changes)
            return result, changes, changes.found(cursor)

        def moved(
            done: tuple[Result, PairChanges, list[Move]],
        ) -> None:
            _, changes, parts = done
            if changes.everything:
                self.forget()
            with self._lock:
                for before, after in parts:
                    if sums := self._sums.get(after.base):
                        sums.move(before, after)

        return self.write(whole, then=moved)[0]

    def add_pair(self, base: str, pair: Pair, number: int) -> None:
        """Take a new pair into the sums; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.waiting[pair.pair_id] = number, pair

    def add_vote(self, base: str, pair_id: str, verdict: Verdict, annotator: str) -> None:
        """Take a new vote into the sums; only as `then` of a write."""
        with self._lock:
            sums = self._sums.get(base)
            if sums and pair_id not in sums.hidden:
                sums.verdicts[verdict] += 1
                sums.unlearned += verdict.decisive and annotator not in sums.excluded
                sums.waiting.pop(pair_id, None)

    def add_interleaved(self, base: str, pair_id: str, verdict: Verdict) -> None:
        """Take a vote on a pair in between into the sums; only as `then` of a write."""
        with self._lock:
            sums = self._sums.get(base)
            if sums and pair_id not in sums.hidden:
                sums.interleaved[verdict] += 1

    def add_ranking(self, base: str, decisive: bool, annotator: str) -> None:
        """Take a new ranking, or a skipped one, into the sums; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.ranked += decisive
                sums.unlearned += decisive and annotator not in sums.excluded
                sums.verdicts[Verdict.SKIP] += not decisive

    def forget(self) -> None:
        """Add up anew when asked next."""
        with self._lock:
            self._sums.clear()

    def _ask(self, base: str, question: Callable[[ModelCounts], Result]) -> Result:
        while True:
            with self._lock:
                if sums := self._sums.get(base):
                    return question(sums)
            # As a write, though it writes nothing: no commit falls between adding up and keeping.
            self._database.write(
                lambda cursor: count_rows(cursor, base), lambda s: self._keep(base, s)
            )

    def _keep(self, base: str, sums: ModelCounts) -> None:
        with self._lock:
            self._sums[base] = sums


def count_rows(cursor: Cursor, base: str) -> ModelCounts:
    """Add up the rows of one model."""
    verdicts = cursor.execute(VERDICTS, [base]).fetchall()
    ranked, skipped = cursor.execute(RANKED, [base]).fetchall()[0]
    unlearned = cursor.execute(UNLEARNED, {"base": base}).fetchall()
    pairs = [(number, Pair(*row)) for number, *row in cursor.execute(WAITING, [base]).fetchall()]
    hidden = cursor.execute("SELECT pair_id FROM hidden_pairs").fetchall()
    excluded = cursor.execute(EXCLUDED, [base]).fetchall()
    interleaved = cursor.execute(INTERLEAVED, [base]).fetchall()
    taught = by_verdict(verdicts)
    taught[Verdict.SKIP] += skipped
    return ModelCounts(
        taught,
        ranked,
        unlearned[0][0],
        {pair.pair_id: (number, pair) for number, pair in pairs},
        by_verdict(interleaved),
        {pair_id for (pair_id,) in hidden},
        {person for (person,) in excluded},
    )


def by_verdict(rows: list[Row]) -> Counter[Verdict]:
    """Return counts by verdict from rows of them."""
    return Counter({Verdict(verdict): count for verdict, count in rows})


def counted(verdicts: Counter[Verdict], ranked: int) -> Counts:
    """Count votes by verdict, and rankings, as all, decisive, ties and skips."""
    votes = verdicts.total() + ranked
    decisive = sum(verdicts[verdict] for verdict in Verdict if verdict.decisive) + ranked
    skipped = verdicts[Verdict.SKIP]
    return Counts(votes, decisive, ties=votes - decisive - skipped, skipped=skipped)
