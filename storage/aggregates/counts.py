"""Running counts: votes by verdict, untrained votes and waiting pairs, held in memory.

As queries, each of these counts takes 10 to 60 ms at 100,000 votes, and the page asks for them
after every vote. So the first question about a model counts its rows. A vote, an undo, a flag or a
new pair then changes the counts by its difference, and anything rarer (a run, an exclusion) drops
them, so that the next question counts anew.

The counts follow the commits: they change only in the `then` of `Database.write`, which runs after
the commit and before the next write. A vote that was not recorded is never counted.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import itemgetter
from typing import TypeVar

from align.contracts.errors import Unavailable
from storage.aggregates.count_deltas import NEWEST_RUN, PairChanges, PairContribution
from storage.database import Cursor, Database, Row
from storage.records import Counts, Pair, Verdict

Result = TypeVar("Result")
Move = tuple[PairContribution, PairContribution]
"""What a pair contributed before a transaction, and after it."""

# Votes on pairs that come in between others and must look like them: control pairs, and pairs of a
# blind test that is mixed in. No run trains on them, but what a labeler is shown counts them.
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

# A ranking of four counts as one vote: its pairs are not independent.
RANKED = "SELECT count(best), count(*) - count(best) FROM current_rankings WHERE base = ?"

EXCLUDED = "SELECT person FROM excluded_people WHERE base = ?"

WAITING = """
SELECT pair_id, number FROM pairs
WHERE base = ? AND pair_id NOT IN (SELECT pair_id FROM current_votes)
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM taken_back_pairs)
ORDER BY number
"""

# Votes are untrained unless the newest run that neither failed nor was cancelled had them. A run on
# one annotator's votes or on sources alone does not count, or everybody else's would be new again.
UNTRAINED = f"""
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
    """The counts of one model, kept in memory."""

    verdicts: Counter[Verdict]
    """Candidate votes by verdict, skipped rankings among the skips."""
    ranked: int
    """Rankings with a best and a worst."""
    untrained: int
    """Decisive trainable votes that the newest run did not train on."""
    waiting: dict[str, int]
    """Ids of pairs without a vote with their numbers, in the order of the numbers."""
    interleaved: Counter[Verdict]
    """Votes on control pairs and on mixed blind tests: counted, but not trained on."""
    waiting_again: dict[str, int] = field(default_factory=dict)
    """The same of pairs whose vote was undone: among the others they would be out of order."""
    hidden: set[str] = field(default_factory=set)
    """Flagged pairs, whose votes do not count."""
    excluded: set[str] = field(default_factory=set)
    """Annotators whose votes no run trains on."""

    def counts(self) -> Counts:
        """Count the current votes: all of them, and the candidates of each kind."""
        counts = counted(self.verdicts, self.ranked)
        return replace(counts, votes=counts.votes + self.interleaved.total())

    def labeler_counts(self) -> Counts:
        """Count the current votes as labelers see them: interleaved ones like any other."""
        return counted(self.verdicts + self.interleaved, self.ranked)

    def first_waiting(self, limit: int | None) -> list[str]:
        """Return the ids of the pairs that wait longest, all of them without a limit."""
        oldest = [*islice(self.waiting.items(), limit), *self.waiting_again.items()]
        return [pair_id for pair_id, _ in sorted(oldest, key=itemgetter(1))[:limit]]

    def stop_waiting(self, pair_id: str) -> None:
        """Forget that a pair waits."""
        self.waiting.pop(pair_id, None)
        self.waiting_again.pop(pair_id, None)

    def move(self, before: PairContribution, after: PairContribution) -> None:
        """Replace what a pair contributed before a transaction by what it contributes after it."""
        pair_id = after.pair.pair_id

        self.verdicts.update(after.verdicts)
        self.verdicts.subtract(before.verdicts)
        self.untrained += after.untrained - before.untrained
        self.interleaved.update(after.interleaved)
        self.interleaved.subtract(before.interleaved)

        self.hidden.discard(pair_id)
        self.hidden |= {pair_id} if after.hidden else set()
        self.stop_waiting(pair_id)
        if after.waits:
            self.waiting_again[pair_id] = after.number


class RunningCounts:
    """The counts of every model, changed in the order of the commits; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Held for the arithmetic alone, never over a query, so that a reader waits microseconds.
        self._lock = threading.Lock()
        self._sums: dict[str, ModelCounts] = {}

    def counts(self, base: str) -> Counts:
        """Count the current votes on a model's pairs."""
        return self._ask(base, ModelCounts.counts)

    def labeler_counts(self, base: str) -> Counts:
        """Count the current votes, interleaved ones too, so that nothing tells them apart."""
        return self._ask(base, ModelCounts.labeler_counts)

    def untrained(self, base: str) -> int:
        """Count the current decisive votes that the newest run did not train on."""
        return self._ask(base, lambda sums: sums.untrained)

    def waiting(self, base: str, limit: int | None) -> list[str]:
        """Return the ids of the pairs of a model without a current vote, oldest first."""
        return self._ask(base, lambda sums: sums.first_waiting(limit))

    def write(self, work: Callable[[Cursor], Result], then: Callable[[Result], None]) -> Result:
        """Run a transaction, and `then` change the counts before any other write does."""
        try:
            return self._database.write(work, then)
        except Unavailable:
            # A commit that failed may be on the disk all the same: count what is there.
            self.invalidate()
            raise

    def change(
        self,
        work: Callable[[Cursor, PairChanges], Result],
        then: Callable[[Result], None] = lambda _: None,
    ) -> Result:
        """Run a transaction that names the pairs it changes, and move the counts by their changes.

        The pairs are read before and after within the transaction, so nothing comes in between;
        `then` follows before any other write.
        """

        def whole(
            cursor: Cursor,
        ) -> tuple[Result, PairChanges, list[Move]]:
            changes = PairChanges()
            result = work(cursor, changes)
            return result, changes, changes.found(cursor)

        def moved(
            done: tuple[Result, PairChanges, list[Move]],
        ) -> None:
            result, changes, parts = done
            then(result)
            if changes.everything:
                self.invalidate()
            with self._lock:
                for before, after in parts:
                    if sums := self._sums.get(after.base):
                        sums.move(before, after)

        return self.write(whole, then=moved)[0]

    def add_pair(self, base: str, pair: Pair, number: int) -> None:
        """Count a new pair; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.waiting[pair.pair_id] = number

    def add_vote(self, base: str, pair_id: str, verdict: Verdict, annotator: str) -> None:
        """Count a new candidate vote; only as `then` of a write."""
        with self._lock:
            sums = self._sums.get(base)
            if sums and pair_id not in sums.hidden:
                sums.verdicts[verdict] += 1
                sums.untrained += verdict.decisive and annotator not in sums.excluded
                sums.stop_waiting(pair_id)

    def add_interleaved(self, base: str, pair_id: str, verdict: Verdict) -> None:
        """Count a new vote on an interleaved pair; only as `then` of a write."""
        with self._lock:
            sums = self._sums.get(base)
            if sums and pair_id not in sums.hidden:
                sums.interleaved[verdict] += 1

    def add_ranking(self, base: str, decisive: bool, annotator: str) -> None:
        """Count a new ranking, or a skipped one; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.ranked += decisive
                sums.untrained += decisive and annotator not in sums.excluded
                sums.verdicts[Verdict.SKIP] += not decisive

    def invalidate(self) -> None:
        """Drop the counts, so that the next question counts the rows anew."""
        with self._lock:
            self._sums.clear()

    def _ask(self, base: str, question: Callable[[ModelCounts], Result]) -> Result:
        """Answer from memory, counting the rows first where nothing is there."""
        while True:
            with self._lock:
                if sums := self._sums.get(base):
                    return question(sums)
            # As a write, though it writes nothing: no commit falls between counting and keeping.
            self._database.write(
                lambda cursor: count_rows(cursor, base), lambda s: self._keep(base, s)
            )

    def _keep(self, base: str, sums: ModelCounts) -> None:
        with self._lock:
            self._sums[base] = sums


def count_rows(cursor: Cursor, base: str) -> ModelCounts:
    """Count the rows of one model, within a transaction."""
    verdicts = cursor.execute(VERDICTS, [base]).fetchall()
    ranked, skipped = cursor.execute(RANKED, [base]).fetchall()[0]
    untrained = cursor.execute(UNTRAINED, {"base": base}).fetchall()
    waiting = dict(cursor.execute(WAITING, [base]).fetchall())
    hidden = cursor.execute("SELECT pair_id FROM hidden_pairs").fetchall()
    excluded = cursor.execute(EXCLUDED, [base]).fetchall()
    interleaved = cursor.execute(INTERLEAVED, [base]).fetchall()

    candidates = by_verdict(verdicts)
    candidates[Verdict.SKIP] += skipped
    return ModelCounts(
        candidates,
        ranked,
        untrained[0][0],
        waiting,
        by_verdict(interleaved),
        hidden={pair_id for (pair_id,) in hidden},
        excluded={person for (person,) in excluded},
    )


def by_verdict(rows: list[Row]) -> Counter[Verdict]:
    """Return counts by verdict from rows of (verdict, count)."""
    return Counter({Verdict(verdict): count for verdict, count in rows})


def counted(verdicts: Counter[Verdict], ranked: int) -> Counts:
    """Sum votes by verdict, and rankings, up to all, decisive, ties and skips."""
    votes = verdicts.total() + ranked
    decisive = sum(verdicts[verdict] for verdict in Verdict if verdict.decisive) + ranked
    skipped = verdicts[Verdict.SKIP]
    return Counts(votes, decisive, ties=votes - decisive - skipped, skipped=skipped)
