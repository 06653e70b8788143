"""Undo: takes back whatever a person gave last, be it a vote, a ranking, a report or a remark."""

from dataclasses import dataclass

from storage.aggregates.count_deltas import PairChanges
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import NothingToUndo
from storage.records import Pair, Quad, new_id
from storage.tables.act_order import RANKING, REPORT
from storage.tables.pairs import SHOWN
from storage.tables.rankings import quad_ranked, undo_ranking
from storage.tables.votes import check_annotator, check_key, pair_voted_on, reused_key, undo_vote
from storage.timestamps import Clock

VOTE = "vote"

NEWEST_VOTE = "SELECT coalesce(max(vote_id), 0) FROM current_votes WHERE annotator = ?"

# What a person gave since a vote and did not take back, newest first; a report is `settled` once
# somebody decided on it. The remarks of a vote went with it.
SINCE = """
SELECT act_id, acts.kind, acts.key, coalesce(decision IS NOT NULL, FALSE) AS settled
FROM acts
LEFT JOIN (
    SELECT flags.key, decision FROM current_flags JOIN flags USING (flag_id)
) AS decided ON acts.kind = 'report' AND decided.key = acts.key
WHERE acts.annotator = $who AND after_vote >= $vote
  AND act_id NOT IN (SELECT act_id FROM withdrawals)
  AND (kind <> 'ranking' OR acts.key IN (
      SELECT key FROM current_rankings WHERE annotator = $who))
  AND (kind <> 'remark' OR acts.key IN (
      SELECT vote_annotations.key FROM vote_annotations
      JOIN current_votes ON current_votes.key = vote_key WHERE annotator = $who))
ORDER BY act_id DESC
"""

# What an undo took back: (kind, key) of it.
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
    """What an undo took back: a vote, a ranking, a report, or a remark by its own kind.

    `opens` says whether the pair, or the four, may be judged anew.
    """

    kind: str
    key: str
    about: Pair | Quad
    opens: bool = False
    name: str = ""
    """Of a reason or a criterion."""
    vote_key: str = ""
    """The vote that a remark was about."""
    hidden: bool = False
    """Somebody else reported the pair too, so it stays hidden."""
    settled: bool = False
    """A newer report stays, since somebody decided on it."""


@dataclass(frozen=True, slots=True)
class Act:
    """What was given under a key; `vote_id` or `act_id` is where it is."""

    kind: str
    key: str
    place: int


class Undo:
    """Takes back one act at a time, newest first; an undo is a row more, and nothing is deleted."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database, self._counts, self._clock = database, counts, clock

    def newest(self, annotator: str, key: str | None = None) -> UndoneAct:
        """Take back what an annotator gave last, once per key, and return what it was.

        A report on which somebody decided stays, and what was given before it goes instead. Raises
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
        if earlier := cursor.execute(TAKEN_BACK, {"key": key}).fetchone():
            kind, given = earlier
            return describe(cursor, kind, given, annotator, settled=False)
        if cursor.execute(GIVEN, {"key": key}).fetchone():
            raise reused_key(key, "something that was given")
        act, settled = newest_act(cursor, annotator)
        if act.kind == VOTE:
            changes.about(cursor, pair_voted_on(cursor, act.place).pair_id)
            undo_vote(cursor, act.place, key, self._clock())
        elif act.kind == RANKING:
            changes.everything = True
            undo_ranking(cursor, ranking_id_of(cursor, act.key), key, self._clock())
        else:
            if act.kind == REPORT:
                sql = "SELECT pair_id FROM flags WHERE key = ?"
                changes.about(cursor, pair_where(cursor, sql, act.key).pair_id)
            row = [key, act.place, annotator, self._clock()]
            cursor.execute("INSERT INTO withdrawals VALUES (?, ?, ?, ?)", row)
        return describe(cursor, act.kind, act.key, annotator, settled)


def newest_act(cursor: Cursor, annotator: str) -> tuple[Act, bool]:
    """Return what a person gave last, and whether a newer report was passed over.

    Raises NothingToUndo.
    """
    row = cursor.execute(NEWEST_VOTE, [annotator]).fetchone()
    vote_id = int(row[0]) if row else 0
    since = cursor.execute(SINCE, {"who": annotator, "vote": vote_id}).fetchall()
    settled = [act for act in since if act[3]]
    for act_id, kind, key, is_settled in since:
        if not is_settled:
            return Act(kind, key, act_id), any(other[0] > act_id for other in settled)
    if vote_id:
        keys = cursor.execute("SELECT key FROM votes WHERE vote_id = ?", [vote_id]).fetchall()
        return Act(VOTE, keys[0][0], vote_id), bool(settled)
    decided = "An admin has decided on every report that is left. " if settled else ""
    raise NothingToUndo(f"{annotator!r} has given nothing to take back. {decided}Vote first.")


def describe(cursor: Cursor, kind: str, key: str, annotator: str, settled: bool) -> UndoneAct:
    """Return what an act was about, and whether it can be given anew now."""
    if kind == VOTE:
        votes = cursor.execute("SELECT vote_id FROM votes WHERE key = ?", [key]).fetchall()
        return UndoneAct(kind, key, pair_voted_on(cursor, votes[0][0]), opens=True, settled=settled)
    if kind == RANKING:
        quad = quad_ranked(cursor, ranking_id_of(cursor, key))
        return UndoneAct(kind, key, quad, opens=True, settled=settled)
    if kind == REPORT:
        return report_of(cursor, key, annotator, settled)
    return remark_of(cursor, key, settled)


def report_of(cursor: Cursor, key: str, annotator: str, settled: bool) -> UndoneAct:
    """Return a report that was taken back; its pair is open unless it is hidden or voted on."""
    pair = pair_where(cursor, "SELECT pair_id FROM flags WHERE key = ?", key)
    asked = [pair.pair_id]
    hidden = cursor.execute("SELECT 1 FROM hidden_pairs WHERE pair_id = ?", asked).fetchone()
    voted = cursor.execute(
        "SELECT 1 FROM current_votes WHERE pair_id = ? AND annotator = ?", [*asked, annotator]
    ).fetchone()
    opens = hidden is None and voted is None
    return UndoneAct(REPORT, key, pair, opens=opens, hidden=hidden is not None, settled=settled)


def remark_of(cursor: Cursor, key: str, settled: bool) -> UndoneAct:
    """Return a remark that was taken back, by its own kind, with the pair of its vote."""
    rows = cursor.execute("SELECT kind, name, vote_key FROM vote_annotations WHERE key = ?", [key])
    kind, name, vote_key = rows.fetchall()[0]
    pair = pair_where(cursor, "SELECT pair_id FROM votes WHERE key = ?", vote_key)
    return UndoneAct(kind, key, pair, name=name, vote_key=vote_key, settled=settled)


def ranking_id_of(cursor: Cursor, key: str) -> int:
    """Return the id of the ranking under a key."""
    rows = cursor.execute("SELECT ranking_id FROM rankings WHERE key = ?", [key]).fetchall()
    return int(rows[0][0])


def pair_where(cursor: Cursor, sql: str, key: str) -> Pair:
    """Return the pair whose id a query tells."""
    rows = cursor.execute(f"{SHOWN} WHERE pair_id = ({sql})", [key]).fetchall()
    return Pair(*rows[0])
