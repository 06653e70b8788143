"""Votes: what an annotator said of a pair, with what was shown and what it counts for.

The way in is that of every act (storage/act_log.py): one appended row under a key that makes a
repeat harmless. The receipt leaves only after the commit is on the disk (storage/database.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from storage.act_log import (
    RANKING,
    VOTE,
    RecordedAct,
    append,
    receipt_of,
    standing,
    take_back,
    taken_back_by,
)
from storage.acts import ActReceipt, NewVote, Selection, check_key
from storage.aggregates.count_deltas import PairChanges
from storage.aggregates.counts import RunningCounts
from storage.aggregates.left_out import LeftOut, LeftOutCounts
from storage.aggregates.own_votes import OwnVotes
from storage.database import Cursor, Database
from storage.errors import AlreadyVoted, BlindTestOver, UnknownVote
from storage.records import Verdict
from storage.settling import Settling, newest_id
from storage.tables.pairs import is_hidden, kept_after, unknown_pair
from storage.timestamps import Clock

Result = TypeVar("Result")

VOTED_PAIR = """
SELECT pairs.base, left_image, right_image, trial_id, kind,
       coalesce((options ->> 'mixed')::BOOLEAN, FALSE)
FROM pairs
LEFT JOIN trial_pairs USING (pair_id) LEFT JOIN trials USING (trial_id)
LEFT JOIN control_pairs USING (pair_id)
WHERE pair_id = ?
"""

COPY_SELECTION = """
INSERT INTO pair_selection SELECT ?, policy, propensity FROM pair_selection WHERE vote_id = ?
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


@dataclass(frozen=True, slots=True)
class Changed:
    """A vote that was changed, or taken back: then it has no new `vote_id`."""

    pair_id: str
    base: str
    """The model that the pair is of."""
    trial: str | None
    """The blind test that it counts for."""
    hidden: bool = False
    """True if a flag hides the pair, so that nobody is asked again."""
    vote_id: int | None = None
    duplicate: bool = False
    """True if the same change was recorded before."""


class Votes:
    """All votes of a studio; an undo is one more row, and a vote that it names is not current."""

    def __init__(
        self, database: Database, counts: RunningCounts, settling: Settling, clock: Clock
    ) -> None:
        self._database, self._counts = database, counts
        self._settling, self._clock = settling, clock
        self.own, self._left_out = OwnVotes(database), LeftOutCounts(database)

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

    def merge(self, work: Callable[[Cursor], None]) -> None:
        """Run a transaction that brings in votes and rankings of another studio.

        Ids of votes that are here may change in it, so all is counted anew, and what came counts
        as given now.
        """

        def recount(_: object) -> None:
            self._counts.invalidate()
            for kind in (VOTE, RANKING):
                self._settling.note(kind, newest_id(self._database, kind))

        self._counts.write(work, then=recount)

    def change(self, vote_key: str, verdict: Verdict | None, annotator: str, key: str) -> Changed:
        """Replace an annotator's current vote by one of another verdict, or with None take it back.

        Both are new rows: one that takes the vote back, and the new vote, under `key` once per key.
        Annotations went with the old verdict. Raises UnknownVote, BlindTestOver or InvalidKey.
        """
        check_key(key)
        pair_id = self._pair_of(vote_key, annotator)
        pair = voted_pair(self._database, pair_id)

        def replace_vote(cursor: Cursor, changes: PairChanges) -> Changed:
            changed = Changed(pair_id, pair.base, pair.trial, is_hidden(cursor, pair_id))
            if changed_before(cursor, key, verdict):
                return replace(changed, duplicate=True)
            old_id = require_current(cursor, vote_key, pair_id, annotator)
            require_no_ended_test(cursor, pair)
            for changing in (pair_id, *kept_after(cursor, vote_key)):
                changes.about(cursor, changing)

            undo_key = key if verdict is None else f"{key}:before"
            take_back(cursor, RecordedAct(VOTE, vote_key), annotator, undo_key, self._clock())
            if verdict is None:
                return changed
            vote = NewVote(pair_id, verdict, annotator, key)
            new_id = append(cursor, VOTE, vote, self._clock(), columns_of(vote, pair)).row_id
            # How a pair was selected does not change with what is said of it.
            cursor.execute(COPY_SELECTION, [new_id, old_id])
            return replace(changed, vote_id=new_id)

        return self._counts.change(replace_vote, then=self._note_change)

    def take_in(self, insert: Callable[[Cursor], Result]) -> Result:
        """Run a transaction that records many votes and rankings at once, and count anew after it.

        They settle as votes do that are given now.
        """

        def note(_: object) -> None:
            self._counts.invalidate()
            for kind in (VOTE, RANKING):
                self._settling.note(kind, newest_id(self._database, kind))

        return self._counts.write(insert, then=note)

    def left_out(self, base: str) -> LeftOut:
        """Count the votes that are in no count of a model."""
        return self._left_out.of(base)

    def _pair_of(self, vote_key: str, annotator: str) -> str:
        """Return the pair of a vote, current or not, which never changes; raises UnknownVote."""
        sql = "SELECT pair_id FROM votes WHERE key = ? AND annotator = ? AND verdict IS NOT NULL"
        rows = self._database.read(sql, [vote_key, annotator])
        if not rows:
            raise UnknownVote(
                f"{annotator!r} gave no vote under the key {vote_key!r}. Look at the list of votes."
            )
        return str(rows[0][0])

    def _note_change(self, changed: Changed) -> None:
        """Let a vote that takes another's place settle like any new one."""
        if changed.vote_id is not None:
            self._settling.note(VOTE, changed.vote_id)

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


def changed_before(cursor: Cursor, key: str, verdict: Verdict | None) -> bool:
    """Return True if a change was recorded under a key; raises InvalidKey for another act's key."""
    if verdict is None:
        return taken_back_by(cursor, key) is not None
    return receipt_of(cursor, VOTE, key) is not None


def require_current(cursor: Cursor, vote_key: str, pair_id: str, annotator: str) -> int:
    """Return the id of a current vote; raises UnknownVote if it was taken back or changed."""
    (vote_id,) = cursor.execute("SELECT vote_id FROM votes WHERE key = ?", [vote_key]).fetchall()[0]
    if standing(cursor, VOTE, pair_id, annotator) != vote_id:
        raise UnknownVote(
            "This vote was taken back or changed meanwhile. Load your votes again to see how it is "
            "now."
        )
    return int(vote_id)


def require_no_ended_test(cursor: Cursor, pair: VotedPair) -> None:
    """Raise BlindTestOver for a pair of a blind test whose verdict is read already."""
    sql = "SELECT arg_max(state, trial_state_id) FROM trial_states WHERE trial_id = ?"
    if pair.trial and cursor.execute(sql, [pair.trial]).fetchall()[0][0] == "ended":
        raise BlindTestOver(
            "This vote was given in a blind test that has ended, so it stays as it is. "
            "Start another test to ask again."
        )
