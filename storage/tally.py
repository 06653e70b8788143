"""What the votes add up to, held in memory.

Asked of the database, each of these sums takes 10 to 60 ms at 100,000 votes, and the page asks
after every vote. So the first question about a model adds up its rows, a vote or a new pair moves
the sums by one, and anything rarer (an undo, a run) makes the next question add up anew.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from storage.database import Cursor, Database
from storage.errors import DiskFull
from storage.records import Counts, Pair, Verdict

Result = TypeVar("Result")

CHECKS = """
SELECT count(*) FROM current_votes WHERE base = ? AND pair_id IN (SELECT pair_id FROM checks)
"""

VERDICTS = "SELECT verdict, count(*) FROM labels WHERE base = ? GROUP BY verdict"

# A ranking of four counts as one vote: its pairs hang together.
RANKED = "SELECT count(best), count(*) - count(best) FROM current_rankings WHERE base = ?"

WAITING = """
SELECT pair_id, prompt, left_image, right_image, version FROM pairs
WHERE base = ? AND pair_id NOT IN (SELECT pair_id FROM current_votes)
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM checks)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
ORDER BY number
"""

NEWEST_RUN = """
SELECT snapshot_id FROM current_runs
WHERE base = $base AND state NOT IN ('failed', 'cancelled') AND (settings ->> 'voter') IS NULL
ORDER BY number DESC LIMIT 1
"""

# The newest run that neither failed nor was cancelled says which votes were learned from; one on a
# single person's votes does not count, or everybody else's would be new again.
UNLEARNED = f"""
SELECT (
    SELECT count(*) FROM lessons
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
class Sums:
    """The sums of one model: votes by verdict, decisive ones no run has learned, waiting pairs."""

    verdicts: Counter[Verdict]
    ranked: int
    unlearned: int
    waiting: dict[str, Pair]
    checks: int = 0
    """Votes on pairs that were asked twice: counted as votes, and as nothing to learn from."""

    def counts(self) -> Counts:
        """The current votes as the app counts them."""
        votes = self.verdicts.total() + self.ranked
        decisive = sum(self.verdicts[verdict] for verdict in Verdict if verdict.decisive)
        decisive += self.ranked
        skipped = self.verdicts[Verdict.SKIP]
        return Counts(
            votes + self.checks, decisive, ties=votes - decisive - skipped, skipped=skipped
        )


class Tally:
    """The sums of every model; changed only by `write` and `then`, in the order of the commits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._sums: dict[str, Sums] = {}

    def counts(self, base: str) -> Counts:
        """Count the current votes on a model's pairs."""
        return self._ask(base, Sums.counts)

    def unlearned(self, base: str) -> int:
        """Count the current decisive votes that the newest run has not learned from."""
        return self._ask(base, lambda sums: sums.unlearned)

    def waiting(self, base: str, limit: int | None) -> list[Pair]:
        """Return the pairs of a model without a current vote, oldest first."""
        return self._ask(base, lambda sums: list(islice(sums.waiting.values(), limit)))

    def write(self, work: Callable[[Cursor], Result], then: Callable[[Result], None]) -> Result:
        """Run a transaction that changes the sums, and `then` change them before any other does."""
        try:
            return self._database.write(work, then)
        except DiskFull:
            # A failed commit says nothing for certain; what is on the disk decides.
            self.forget()
            raise

    def add_pair(self, base: str, pair: Pair) -> None:
        """Take a new pair into the sums; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.waiting[pair.pair_id] = pair

    def add_vote(self, base: str, pair_id: str, verdict: Verdict) -> None:
        """Take a new vote into the sums; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.verdicts[verdict] += 1
                sums.unlearned += verdict.decisive
                sums.waiting.pop(pair_id, None)

    def add_check(self, base: str) -> None:
        """Take a vote on a pair asked twice into the sums; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.checks += 1

    def add_ranking(self, base: str, decisive: bool) -> None:
        """Take a new ranking, or a skipped one, into the sums; only as `then` of a write."""
        with self._lock:
            if sums := self._sums.get(base):
                sums.ranked += decisive
                sums.unlearned += decisive
                sums.verdicts[Verdict.SKIP] += not decisive

    def forget(self) -> None:
        """Add up anew when asked next."""
        with self._lock:
            self._sums.clear()

    def _ask(self, base: str, question: Callable[[Sums], Result]) -> Result:
        while True:
            with self._lock:
                if sums := self._sums.get(base):
                    return question(sums)
            # As a write, though it writes nothing: no commit falls between adding up and keeping.
            self._database.write(lambda cursor: add_up(cursor, base), lambda s: self._keep(base, s))

    def _keep(self, base: str, sums: Sums) -> None:
        with self._lock:
            self._sums[base] = sums


def add_up(cursor: Cursor, base: str) -> Sums:
    """Add up the rows of one model."""
    verdicts = cursor.execute(VERDICTS, [base]).fetchall()
    ranked, skipped = cursor.execute(RANKED, [base]).fetchall()[0]
    unlearned = cursor.execute(UNLEARNED, {"base": base}).fetchall()
    pairs = [Pair(*row) for row in cursor.execute(WAITING, [base]).fetchall()]
    checks = cursor.execute(CHECKS, [base]).fetchall()
    counted = Counter({Verdict(verdict): count for verdict, count in verdicts})
    counted[Verdict.SKIP] += skipped
    return Sums(
        counted,
        ranked,
        unlearned[0][0],
        {pair.pair_id: pair for pair in pairs},
        checks[0][0],
    )
