"""Undo: takes back an annotator's newest act, be it a vote, a ranking, a flag or an annotation.

Nothing is deleted: the undo is one more row, and the current views leave out what it names.
"""

from dataclasses import dataclass

from storage.act_log import (
    ANNOTATION,
    FLAG,
    RANKING,
    VOTE,
    RecordedAct,
    newest,
    standing,
    take_back,
    taken_back_by,
)
from storage.acts import check_annotator, check_key
from storage.aggregates.count_deltas import PairChanges
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor
from storage.records import Pair, Quad, new_id
from storage.tables.pairs import is_hidden, kept_after, require_pair
from storage.tables.quads import require_quad
from storage.timestamps import Clock


@dataclass(frozen=True, slots=True)
class UndoneAct:
    """An act that was taken back; an annotation is called by its own kind, such as reason."""

    kind: str
    key: str
    about: Pair | Quad
    opens: bool = False
    """True if the pair, or the four images, may be voted on again."""
    name: str = ""
    """The name of a reason or a criterion."""
    vote_key: str = ""
    """The vote that an annotation was about."""
    hidden: bool = False
    """True if somebody else flagged the pair too, so that it stays hidden."""
    flag_decided: bool = False
    """True if a newer flag was passed over, since an admin had decided on it."""


class Undo:
    """Takes back one act at a time, newest first."""

    def __init__(self, counts: RunningCounts, clock: Clock) -> None:
        self._counts, self._clock = counts, clock

    def newest(self, annotator: str, key: str | None = None) -> UndoneAct:
        """Take back an annotator's newest act, once per key, and return it.

        A flag that an admin decided on stays, and the act before it is taken back instead. Raises
        NothingToUndo, InvalidAnnotator, InvalidKey or DiskFull.
        """
        check_annotator(annotator)
        own_key = new_id() if key is None else check_key(key)
        return self._counts.change(
            lambda cursor, changes: self._take_back(cursor, changes, annotator, own_key)
        )

    def _take_back(
        self, cursor: Cursor, changes: PairChanges, annotator: str, key: str
    ) -> UndoneAct:
        """Append an undo within a transaction; the look-ups see nothing half done by another."""
        if earlier := taken_back_by(cursor, key):
            return describe(cursor, earlier, annotator, flag_decided=False)

        act, flag_decided = newest(cursor, annotator)
        if act.kind is RANKING:
            # A ranking counts as one vote, in sums that are not kept by pair.
            changes.everything = True
        elif act.kind is not ANNOTATION:
            for pair_id in (about(cursor, act), *kept_after(cursor, act.key)):
                changes.about(cursor, pair_id)
        take_back(cursor, act, annotator, key, self._clock())
        return describe(cursor, act, annotator, flag_decided)


def describe(cursor: Cursor, act: RecordedAct, annotator: str, flag_decided: bool) -> UndoneAct:
    """Return an act that was taken back, with what it was about."""
    kind, subject = act.kind, about(cursor, act)
    if kind is RANKING:
        quad, _ = require_quad(cursor, subject)
        return UndoneAct(kind.name, act.key, quad, opens=True, flag_decided=flag_decided)
    if kind is ANNOTATION:
        return undone_annotation(cursor, act.key, subject, flag_decided)

    pair = require_pair(cursor, subject)
    hidden = kind is FLAG and is_hidden(cursor, pair.pair_id)
    opens = kind is VOTE or not (hidden or has_voted(cursor, pair, annotator))
    return UndoneAct(
        kind.name, act.key, pair, opens=opens, hidden=hidden, flag_decided=flag_decided
    )


def undone_annotation(cursor: Cursor, key: str, vote_key: str, flag_decided: bool) -> UndoneAct:
    """Return an annotation that was taken back, by its own kind, with the pair of its vote."""
    rows = cursor.execute("SELECT kind, name FROM vote_annotations WHERE key = ?", [key])
    kind, name = rows.fetchall()[0]
    pair = require_pair(cursor, about(cursor, RecordedAct(VOTE, vote_key)))
    return UndoneAct(kind, key, pair, name=name, vote_key=vote_key, flag_decided=flag_decided)


def about(cursor: Cursor, act: RecordedAct) -> str:
    """Return the id of what an act is about: a pair, four images, or the key of a vote."""
    sql = f"SELECT {act.kind.about} FROM {act.kind.table} WHERE key = ?"
    return str(cursor.execute(sql, [act.key]).fetchall()[0][0])


def has_voted(cursor: Cursor, pair: Pair, annotator: str) -> bool:
    """Return True if an annotator has a current vote on a pair."""
    return standing(cursor, VOTE, pair.pair_id, annotator) is not None
