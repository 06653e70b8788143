"""Votes: where a vote is written, as one appended row under a key that makes a repeat harmless.

The page sends a vote until it is acknowledged, so the same vote may arrive twice, and after a lost
answer nobody knows whether it was recorded. Its key does: `Votes.cast` looks the key up within the
transaction that would insert the vote, and a second arrival gets the receipt of the first. The
receipt leaves only after the commit is on the disk (storage/database.py).
"""

from dataclasses import dataclass
from datetime import datetime

from storage.act_checks import as_verdict, check_annotator, check_key, reused_key
from storage.aggregates.count_deltas import PairChanges
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database, Row
from storage.errors import AlreadyVoted, NothingToUndo
from storage.records import Pair, Verdict, VoteReceipt, new_id
from storage.settling import VOTES, Settling
from storage.tables.pairs import SHOWN, unknown_pair
from storage.timestamps import Clock


@dataclass(frozen=True, slots=True)
class NewVote:
    """A vote before it is recorded, with its pair as it is stored."""

    base: str
    pair_id: str
    left: str
    right: str
    verdict: Verdict
    annotator: str
    key: str
    response_ms: int | None
    trial: str | None
    """The blind test of the pair."""
    check: str | None
    """repeat or gold, for a control pair."""
    mixed: bool
    """True if the pair's blind test comes in between other pairs."""
    choice: tuple[str, float] | None = None
    """The rule that selected the pair, and its propensity: the probability that it did."""

    @property
    def winner(self) -> str | None:
        """The id of the image that won; None without a decisive verdict."""
        return {Verdict.LEFT: self.left, Verdict.RIGHT: self.right}.get(self.verdict)


class Votes:
    """All votes of a studio; an undo is one more row, and a vote that it names is not current."""

    def __init__(
        self, database: Database, counts: RunningCounts, settling: Settling, clock: Clock
    ) -> None:
        self._database = database
        self._counts = counts
        self._settling = settling
        self._clock = clock

    def cast(
        self,
        pair_id: str,
        verdict: str,
        annotator: str,
        key: str,
        response_ms: int | None,
        choice: tuple[str, float] | None = None,
    ) -> VoteReceipt:
        """Record a vote once per key, with the rule that selected its pair and its propensity.

        Returns once the vote is on the disk. Raises UnknownPair, AlreadyVoted, InvalidVerdict,
        InvalidAnnotator, InvalidKey or DiskFull; whatever it raises, nothing was recorded.
        """
        # Outside the transaction: pairs never change, and what is read here holds up no other vote.
        base, pair_id, left, right, trial, check, mixed = shown(self._database, pair_id)
        vote = NewVote(
            base,
            pair_id,
            left,
            right,
            as_verdict(verdict),
            check_annotator(annotator),
            check_key(key),
            response_ms,
            trial,
            check,
            mixed,
            choice,
        )

        return self._counts.write(
            lambda cursor: self._cast(cursor, vote),
            then=lambda receipt: self._count(receipt, vote),
        )

    def undo(self, annotator: str, key: str | None) -> Pair:
        """Take back the newest current vote of an annotator, once per key, and return its pair.

        Raises NothingToUndo, InvalidAnnotator, InvalidKey or DiskFull.
        """
        check_annotator(annotator)
        own_key = new_id() if key is None else check_key(key)
        return self._counts.change(
            lambda cursor, changes: self._undo(cursor, changes, annotator, own_key)
        )

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

    def find(self, key: str) -> VoteReceipt | None:
        """Return the receipt of the vote recorded under a key, or None."""
        rows = self._database.read(
            "SELECT vote_id FROM votes WHERE key = ? AND verdict IS NOT NULL", [key]
        )
        return VoteReceipt(key, rows[0][0], duplicate=True) if rows else None

    def _cast(self, cursor: Cursor, vote: NewVote) -> VoteReceipt:
        """Insert a vote within a transaction, unless its key was used.

        Writes run one at a time, so two arrivals of one vote cannot both find nothing.
        """
        if earlier := earlier_act(cursor, vote.key):
            vote_id, undone = earlier
            if undone is not None:
                raise reused_key(vote.key, "an undo")
            return VoteReceipt(vote.key, vote_id, duplicate=True, trial=vote.trial)

        require_no_vote(cursor, vote)
        vote_id = insert_vote(cursor, vote, self._clock())
        if vote.choice:
            cursor.execute("INSERT INTO pair_selection VALUES (?, ?, ?)", [vote_id, *vote.choice])
        return VoteReceipt(vote.key, vote_id, duplicate=False, trial=vote.trial)

    def _count(self, receipt: VoteReceipt, vote: NewVote) -> None:
        """Take a committed vote into the counts in memory; a duplicate was counted before."""
        if not receipt.duplicate:
            self._settling.note(VOTES, receipt.vote_id)
        if not receipt.duplicate and (vote.check or vote.mixed):
            self._counts.add_interleaved(vote.base, vote.pair_id, vote.verdict)
        elif not receipt.duplicate and vote.trial is None:
            self._counts.add_vote(vote.base, vote.pair_id, vote.verdict, vote.annotator)

    def _undo(self, cursor: Cursor, changes: PairChanges, annotator: str, key: str) -> Pair:
        """Append the undo of the newest vote within a transaction, unless its key was used."""
        if earlier := earlier_act(cursor, key):
            _, undone = earlier
            if undone is None:
                raise reused_key(key, "a vote")
            return pair_voted_on(cursor, undone)

        vote_id = newest_vote(cursor, annotator)
        pair = pair_voted_on(cursor, vote_id)
        changes.about(cursor, pair.pair_id)
        undo_vote(cursor, vote_id, key, self._clock())
        return pair


def earlier_act(cursor: Cursor, key: str) -> tuple[int, int | None] | None:
    """Return (vote_id, the vote it superseded) of what was recorded under a key, or None."""
    return cursor.execute("SELECT vote_id, supersedes FROM votes WHERE key = ?", [key]).fetchone()


def shown(database: Database, pair_id: str) -> Row:
    """Return (base, id, left image, right image, trial, check, mixed) of a pair.

    `mixed` is true if its blind test comes in between other pairs. Raises UnknownPair.
    """
    rows = database.read(
        "SELECT pairs.base, pair_id, left_image, right_image, trial_id, kind, "
        "coalesce((options ->> 'mixed')::BOOLEAN, FALSE) FROM pairs "
        "LEFT JOIN trial_pairs USING (pair_id) LEFT JOIN trials USING (trial_id) "
        "LEFT JOIN control_pairs USING (pair_id) WHERE pair_id = ?",
        [pair_id],
    )
    if not rows:
        raise unknown_pair(pair_id)
    return rows[0]


def require_no_vote(cursor: Cursor, vote: NewVote) -> None:
    """Raise AlreadyVoted if the annotator has a current vote on the pair."""
    # DuckDB uses the index only for a filter on pair_id alone; a pair has few rows to sort out.
    rows = cursor.execute(
        "SELECT vote_id, annotator, verdict, supersedes FROM votes WHERE pair_id = ?",
        [vote.pair_id],
    ).fetchall()
    undone = {supersedes for *_, supersedes in rows}
    for vote_id, annotator, verdict, _ in rows:
        if annotator == vote.annotator and verdict and vote_id not in undone:
            raise AlreadyVoted(
                f"{annotator!r} has already said {verdict!r} on pair {vote.pair_id!r}. "
                "Undo that vote first to change it."
            )


def insert_vote(cursor: Cursor, vote: NewVote, now: datetime) -> int:
    """Append a vote and return its id."""
    inserted = cursor.execute(
        """
        INSERT INTO votes (
            key, base, pair_id, annotator, verdict, winner, left_image, response_ms, created
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING vote_id
        """,
        [
            vote.key,
            vote.base,
            vote.pair_id,
            vote.annotator,
            vote.verdict,
            vote.winner,
            vote.left,
            vote.response_ms,
            now,
        ],
    )
    return int(inserted.fetchall()[0][0])


def undo_vote(cursor: Cursor, vote_id: int, key: str, now: datetime) -> None:
    """Append the undo of a vote."""
    cursor.execute(
        """
        INSERT INTO votes (key, base, pair_id, annotator, left_image, supersedes, created)
        SELECT ?, base, pair_id, annotator, left_image, vote_id, ? FROM votes WHERE vote_id = ?
        """,
        [key, now, vote_id],
    )


def newest_vote(cursor: Cursor, annotator: str) -> int:
    """Return the id of an annotator's newest current vote; raises NothingToUndo."""
    row = cursor.execute(
        "SELECT max(vote_id) FROM current_votes WHERE annotator = ?", [annotator]
    ).fetchone()
    if row is None or row[0] is None:
        raise NothingToUndo(f"{annotator!r} has no vote to take back. Vote first.")
    return int(row[0])


def pair_voted_on(cursor: Cursor, vote_id: int) -> Pair:
    """Return the pair of a vote."""
    rows = cursor.execute(
        f"{SHOWN} WHERE pair_id = (SELECT pair_id FROM votes WHERE vote_id = ?)",
        [vote_id],
    ).fetchall()
    return Pair(*rows[0])
