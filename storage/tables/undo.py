"""Undo: takes back an annotator's newest act, be it a vote, a ranking, a flag or an annotation.

An act is anything that an annotator gives. Nothing is deleted: the undo is one more row, and the
current views leave out what it names.
"""

from dataclasses import dataclass

from storage.act_checks import check_annotator, check_key, reused_key
from storage.act_order import RANKING, REPORT
from storage.aggregates.count_deltas import PairChanges
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import NothingToUndo
from storage.records import Pair, Quad, new_id
from storage.tables.pairs import SHOWN
from storage.tables.rankings import quad_ranked, undo_ranking
from storage.tables.votes import pair_voted_on, undo_vote
from storage.timestamps import Clock

VOTE = "vote"
"""The kind of an act that is in no row of `acts`, beside those of act_order.py."""

NEWEST_VOTE = "SELECT coalesce(max(vote_id), 0) FROM current_votes WHERE annotator = ?"

# Acts of an annotator since a vote that were not undone, newest first; a flag is `decided` once an
# admin decided on it. Annotations of a vote went with its undo.
SINCE = """
SELECT act_id, acts.kind, acts.key, coalesce(decision IS NOT NULL, FALSE) AS decided
FROM acts
LEFT JOIN (
    SELECT flags.key, decision FROM current_flags JOIN flags USING (flag_id)
) AS decisions ON acts.kind = 'report' AND decisions.key = acts.key
WHERE acts.annotator = $who AND after_vote >= $vote
  AND act_id NOT IN (SELECT act_id FROM withdrawals)
  AND (kind <> 'ranking' OR acts.key IN (
      SELECT key FROM current_rankings WHERE annotator = $who))
  AND (kind <> 'remark' OR acts.key IN (
      SELECT vote_annotations.key FROM vote_annotations
      JOIN current_votes ON current_votes.key = vote_key WHERE annotator = $who))
ORDER BY act_id DESC
"""

# The (kind, key) of the act that an undo took back.
TAKEN_BACK = """
SELECT 'vote', gone.key FROM votes JOIN votes AS gone ON votes.supersedes = gone.vote_id
WHERE votes.key = $key
UNION ALL
SELECT 'ranking', gone.key FROM rankings JOIN rankings AS gone
    ON rankings.supersedes = gone.ranking_id
WHERE rankings.key = $key
UNION ALL
SELECT acts.kind, acts.key FROM withdrawals JOIN acts USING (act_id) WHERE withdrawals.key = $key
"""

GIVEN = """
SELECT 1 FROM votes WHERE key = $key UNION ALL SELECT 1 FROM acts WHERE key = $key
"""


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


@dataclass(frozen=True, slots=True)
class Act:
    """The newest act of an annotator; `row_id` is a vote_id or an act_id, by its kind."""

    kind: str
    key: str
    row_id: int


class Undo:
    """Takes back one act at a time, newest first."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database, self._counts, self._clock = database, counts, clock

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
        if earlier := cursor.execute(TAKEN_BACK, {"key": key}).fetchone():
            kind, given = earlier
            return describe(cursor, kind, given, annotator, flag_decided=False)
        if cursor.execute(GIVEN, {"key": key}).fetchone():
            raise reused_key(key, "something that was given")

        act, flag_decided = newest_act(cursor, annotator)
        if act.kind == VOTE:
            changes.about(cursor, pair_voted_on(cursor, act.row_id).pair_id)
            undo_vote(cursor, act.row_id, key, self._clock())
        elif act.kind == RANKING:
            # A ranking counts as one vote, in sums that are not kept by pair.
            changes.everything = True
            undo_ranking(cursor, ranking_id_of(cursor, act.key), key, self._clock())
        else:
            if act.kind == REPORT:
                sql = "SELECT pair_id FROM flags WHERE key = ?"
                changes.about(cursor, pair_where(cursor, sql, act.key).pair_id)
            row = [key, act.row_id, annotator, self._clock()]
            cursor.execute("INSERT INTO withdrawals VALUES (?, ?, ?, ?)", row)
        return describe(cursor, act.kind, act.key, annotator, flag_decided)


def newest_act(cursor: Cursor, annotator: str) -> tuple[Act, bool]:
    """Return the newest act, and True if a newer flag was passed over; raises NothingToUndo."""
    row = cursor.execute(NEWEST_VOTE, [annotator]).fetchone()
    vote_id = int(row[0]) if row else 0
    since = cursor.execute(SINCE, {"who": annotator, "vote": vote_id}).fetchall()
    decided = [act for act in since if act[3]]

    for act_id, kind, key, is_decided in since:
        if not is_decided:
            return Act(kind, key, act_id), any(flag[0] > act_id for flag in decided)
    if vote_id:
        keys = cursor.execute("SELECT key FROM votes WHERE vote_id = ?", [vote_id]).fetchall()
        return Act(VOTE, keys[0][0], vote_id), bool(decided)

    why = "An admin has decided on every report that is left. " if decided else ""
    raise NothingToUndo(f"{annotator!r} has given nothing to take back. {why}Vote first.")


def describe(cursor: Cursor, kind: str, key: str, annotator: str, flag_decided: bool) -> UndoneAct:
    """Return an act that was taken back, with what it was about."""
    if kind == VOTE:
        votes = cursor.execute("SELECT vote_id FROM votes WHERE key = ?", [key]).fetchall()
        return UndoneAct(
            kind, key, pair_voted_on(cursor, votes[0][0]), opens=True, flag_decided=flag_decided
        )
    if kind == RANKING:
        quad = quad_ranked(cursor, ranking_id_of(cursor, key))
        return UndoneAct(kind, key, quad, opens=True, flag_decided=flag_decided)
    if kind == REPORT:
        return undone_flag(cursor, key, annotator, flag_decided)
    return undone_annotation(cursor, key, flag_decided)


def undone_flag(cursor: Cursor, key: str, annotator: str, flag_decided: bool) -> UndoneAct:
    """Return a flag that was taken back; its pair is open unless it is hidden or voted on."""
    pair = pair_where(cursor, "SELECT pair_id FROM flags WHERE key = ?", key)
    asked = [pair.pair_id]
    hidden = cursor.execute("SELECT 1 FROM hidden_pairs WHERE pair_id = ?", asked).fetchone()
    voted = cursor.execute(
        "SELECT 1 FROM current_votes WHERE pair_id = ? AND annotator = ?", [*asked, annotator]
    ).fetchone()
    opens = hidden is None and voted is None
    return UndoneAct(
        REPORT, key, pair, opens=opens, hidden=hidden is not None, flag_decided=flag_decided
    )


def undone_annotation(cursor: Cursor, key: str, flag_decided: bool) -> UndoneAct:
    """Return an annotation that was taken back, by its own kind, with the pair of its vote."""
    rows = cursor.execute("SELECT kind, name, vote_key FROM vote_annotations WHERE key = ?", [key])
    kind, name, vote_key = rows.fetchall()[0]
    pair = pair_where(cursor, "SELECT pair_id FROM votes WHERE key = ?", vote_key)
    return UndoneAct(kind, key, pair, name=name, vote_key=vote_key, flag_decided=flag_decided)


def ranking_id_of(cursor: Cursor, key: str) -> int:
    """Return the id of the ranking under a key."""
    rows = cursor.execute("SELECT ranking_id FROM rankings WHERE key = ?", [key]).fetchall()
    return int(rows[0][0])


def pair_where(cursor: Cursor, sql: str, key: str) -> Pair:
    """Return the pair whose id a query on a key gives."""
    rows = cursor.execute(f"{SHOWN} WHERE pair_id = ({sql})", [key]).fetchall()
    return Pair(*rows[0])
