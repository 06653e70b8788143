"""Votes: what an annotator said of a pair, with what was shown and what it counts for.

The way in is that of every act (storage/act_log.py): one appended row under a key that makes a
repeat harmless. The receipt leaves only after the commit is on the disk (storage/database.py).
"""

from dataclasses import dataclass, replace

from storage.act_log import VOTE, append, receipt_of, standing
from storage.acts import ActReceipt, NewVote, Selection
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import AlreadyVoted
from storage.records import Verdict
from storage.settling import Settling
from storage.tables.pairs import unknown_pair
from storage.timestamps import Clock

VOTED_PAIR = """
SELECT pairs.base, left_image, right_image, trial_id, kind,
       coalesce((options ->> 'mixed')::BOOLEAN, FALSE)
FROM pairs
LEFT JOIN trial_pairs USING (pair_id) LEFT JOIN trials USING (trial_id)
LEFT JOIN control_pairs USING (pair_id)
WHERE pair_id = ?
"""


@dataclass(frozen=True, slots=True)
class VotedPair:
    """A pair as a vote on it needs it."""

    base: str
    left: str
    right: str
    trial: str | None
    """The blind test of the pair."""
    check: str | None
    """repeat or gold, for a control pair."""
    mixed: bool
    """True if the pair's blind test comes in between other pairs."""

    def winner(self, verdict: Verdict) -> str | None:
        """Return the id of the image that wins by a verdict; None without a decisive one."""
        return {Verdict.LEFT: self.left, Verdict.RIGHT: self.right}.get(verdict)


class Votes:
    """All votes of a studio; an undo is one more row, and a vote that it names is not current."""

    def __init__(
        self, database: Database, counts: RunningCounts, settling: Settling, clock: Clock
    ) -> None:
        self._database, self._counts = database, counts
        self._settling, self._clock = settling, clock

    def record(self, vote: NewVote, selection: Selection | None = None) -> ActReceipt:
        """Record a vote once per key, with the rule that selected its pair.

        Returns once the vote is on the disk. Raises UnknownPair, AlreadyVoted, InvalidKey or
        DiskFull; whatever it raises, nothing was recorded.
        """
        # Outside the transaction: pairs never change, and what is read here holds up no other vote.
        pair = voted_pair(self._database, vote.pair_id)

        def insert(cursor: Cursor) -> ActReceipt:
            # Writes run one at a time, so two arrivals of one vote cannot both find nothing.
            if earlier := receipt_of(cursor, VOTE, vote.key):
                return replace(earlier, trial=pair.trial)

            require_no_vote(cursor, vote)
            receipt = append(cursor, VOTE, vote, self._clock(), columns_of(vote, pair))
            if selection:
                row = [receipt.row_id, *selection]
                cursor.execute("INSERT INTO pair_selection VALUES (?, ?, ?)", row)
            return replace(receipt, trial=pair.trial)

        return self._counts.write(insert, then=lambda receipt: self._count(receipt, vote, pair))

    def decisive(self, base: str, annotator: str) -> int:
        """Count the trainable decisive votes and rankings of one annotator."""
        rows = self._database.read(
            "SELECT (SELECT count(winner) FROM trainable_votes "
            " WHERE base = $base AND annotator = $who) + "
            "(SELECT count(best) FROM current_rankings WHERE base = $base AND annotator = $who "
            " AND annotator NOT IN (SELECT person FROM excluded_people WHERE base = $base))",
            {"base": base, "who": annotator},
        )
        return int(rows[0][0])

    def _count(self, receipt: ActReceipt, vote: NewVote, pair: VotedPair) -> None:
        """Take a committed vote into the counts in memory; a duplicate was counted before."""
        if receipt.duplicate:
            return
        self._settling.note(VOTE, receipt.row_id)
        if pair.check or pair.mixed:
            self._counts.add_interleaved(pair.base, vote.pair_id, vote.verdict)
        elif pair.trial is None:
            self._counts.add_vote(pair.base, vote.pair_id, vote.verdict, vote.annotator)


def voted_pair(database: Database, pair_id: str) -> VotedPair:
    """Return a pair as a vote on it needs it; raises UnknownPair."""
    rows = database.read(VOTED_PAIR, [pair_id])
    if not rows:
        raise unknown_pair(pair_id)
    return VotedPair(*rows[0])


def columns_of(vote: NewVote, pair: VotedPair) -> dict[str, str | int | None]:
    """Return a vote as columns of its table: the winner by image, which outlives any sides."""
    return {
        "base": pair.base,
        "pair_id": vote.pair_id,
        "annotator": vote.annotator,
        "verdict": vote.verdict,
        "winner": pair.winner(vote.verdict),
        "left_image": pair.left,
        "response_ms": vote.response_ms,
    }


def require_no_vote(cursor: Cursor, vote: NewVote) -> None:
    """Raise AlreadyVoted if the annotator has a current vote on the pair."""
    vote_id = standing(cursor, VOTE, vote.pair_id, vote.annotator)
    if vote_id is None:
        return
    sql = "SELECT verdict FROM votes WHERE vote_id = ?"
    (verdict,) = cursor.execute(sql, [vote_id]).fetchall()[0]
    raise AlreadyVoted(
        f"{vote.annotator!r} has already said {verdict!r} on pair {vote.pair_id!r}. "
        "Undo that vote first to change it."
    )
