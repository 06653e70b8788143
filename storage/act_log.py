"""Log of acts: one way in, one order and one way back for everything that annotators give.

An act is one appended row of its kind's table, under a key that makes a repeat harmless. The page
sends an act until it is acknowledged, so that the same one may arrive twice, and after a lost
answer nobody knows whether it was recorded. Its key does: it is looked up within the transaction
that would append the act, and a second arrival gets the receipt of the first.

Votes are numbered as they come. Every other act notes the newest vote at its time in `acts`, so
that together they have one order, whatever the clock says. An undo is one more row too: of the same
table for votes and rankings, where it names what it supersedes, and of `withdrawals` for others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.acts import ActReceipt, NewAct
from storage.database import Cursor
from storage.errors import InvalidKey, NothingToUndo


@dataclass(frozen=True, slots=True)
class ActKind:
    """A kind of act, and where its rows are."""

    name: str
    """As rows of studios hold it: a report is a flag, a remark an annotation."""
    title: str
    table: str
    row_id: str
    """The column that numbers the rows."""
    about: str
    """The column of what it is about: a pair, four images, or the key of a vote."""
    kept: tuple[str, ...] = ()
    """Columns that its undo copies, being a row of the same table; empty for `withdrawals`."""


VOTE = ActKind(
    "vote", "a vote", "votes", "vote_id", "pair_id", ("base", "pair_id", "annotator", "left_image")
)
RANKING = ActKind(
    "ranking", "a ranking", "rankings", "ranking_id", "quad_id", ("base", "quad_id", "annotator")
)
FLAG = ActKind("report", "a flag", "flags", "flag_id", "pair_id")
ANNOTATION = ActKind("remark", "an annotation", "vote_annotations", "annotation_id", "vote_key")
KINDS = {kind.name: kind for kind in (VOTE, RANKING, FLAG, ANNOTATION)}

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

NEWEST_VOTE = """
SELECT coalesce(max(vote_id), 0), arg_max(key, vote_id) FROM current_votes WHERE annotator = ?
"""

# The kind and key of the act that an undo took back.
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
SELECT 'vote' FROM votes WHERE key = $key UNION ALL SELECT kind FROM acts WHERE key = $key
"""


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """An act in the log, which its kind and its key name."""

    kind: ActKind
    key: str


def receipt_of(cursor: Cursor, kind: ActKind, key: str) -> ActReceipt | None:
    """Return the receipt of the act that a key recorded, or None.

    Raises InvalidKey for the key of an undo.
    """
    superseded = "supersedes" if kind.kept else "NULL"
    row = cursor.execute(
        f"SELECT {kind.row_id}, {superseded} FROM {kind.table} WHERE key = ?", [key]
    ).fetchone()
    if row is None:
        return None
    if row[1] is not None:
        raise reused_key(key, "an undo")
    return ActReceipt(key, row[0], duplicate=True)


def record(
    cursor: Cursor, kind: ActKind, act: NewAct, now: datetime, values: Mapping[str, object]
) -> ActReceipt:
    """Append an act as the annotator's newest, with the columns of its kind, once per key.

    Raises InvalidKey for the key of an undo.
    """
    return receipt_of(cursor, kind, act.key) or append(cursor, kind, act, now, values)


def append(
    cursor: Cursor, kind: ActKind, act: NewAct, now: datetime, values: Mapping[str, object]
) -> ActReceipt:
    """Append an act whose key was not used yet, as `record` does."""
    row = {"key": act.key, **values, "created": now}
    inserted = cursor.execute(
        f"INSERT INTO {kind.table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
        f"RETURNING {kind.row_id}",
        list(row.values()),
    ).fetchall()

    if kind is not VOTE:
        cursor.execute(
            "INSERT INTO acts (kind, key, annotator, after_vote) "
            "SELECT ?, ?, ?, coalesce(max(vote_id), 0) FROM votes ON CONFLICT DO NOTHING",
            [kind.name, act.key, act.annotator],
        )
    return ActReceipt(act.key, inserted[0][0], duplicate=False)


def standing(cursor: Cursor, kind: ActKind, about: str, annotator: str) -> int | None:
    """Return the row id of an annotator's vote on a pair, or ranking of a quad, if not undone."""
    # DuckDB uses an index only for a filter on one column; a pair has few rows to sort out.
    rows = cursor.execute(
        f"SELECT {kind.row_id}, annotator, supersedes FROM {kind.table} WHERE {kind.about} = ?",
        [about],
    ).fetchall()
    undone = {superseded for *_, superseded in rows}
    given = [row_id for row_id, who, superseded in rows if who == annotator and superseded is None]
    return next((row_id for row_id in given if row_id not in undone), None)


def take_back(cursor: Cursor, act: RecordedAct, annotator: str, key: str, now: datetime) -> None:
    """Append the undo of an act."""
    kind, kept = act.kind, ", ".join(act.kind.kept)
    if kept:
        sql = (
            f"INSERT INTO {kind.table} (key, {kept}, supersedes, created) "
            f"SELECT ?, {kept}, {kind.row_id}, ? FROM {kind.table} WHERE key = ?"
        )
        cursor.execute(sql, [key, now, act.key])
    else:
        sql = (
            "INSERT INTO withdrawals (key, act_id, annotator, created) "
            "SELECT ?, act_id, ?, ? FROM acts WHERE kind = ? AND key = ?"
        )
        cursor.execute(sql, [key, annotator, now, kind.name, act.key])


def taken_back_by(cursor: Cursor, key: str) -> RecordedAct | None:
    """Return the act that the undo under a key took back; None where nothing has this key.

    Raises InvalidKey for the key of an act.
    """
    if undone := cursor.execute(TAKEN_BACK, {"key": key}).fetchone():
        return RecordedAct(KINDS[undone[0]], undone[1])
    if given := cursor.execute(GIVEN, {"key": key}).fetchone():
        raise reused_key(key, KINDS[given[0]].title)
    return None


def newest(cursor: Cursor, annotator: str) -> tuple[RecordedAct, bool]:
    """Return an annotator's newest act, and True if a newer flag was passed over.

    Raises NothingToUndo. A flag that an admin decided on is passed over.
    """
    vote_id, vote_key = cursor.execute(NEWEST_VOTE, [annotator]).fetchall()[0]
    since = cursor.execute(SINCE, {"who": annotator, "vote": vote_id}).fetchall()
    decided = [act_id for act_id, _, _, is_decided in since if is_decided]

    for act_id, kind, key, is_decided in since:
        if not is_decided:
            return RecordedAct(KINDS[kind], key), any(flag > act_id for flag in decided)
    if vote_key is not None:
        return RecordedAct(VOTE, vote_key), bool(decided)

    why = "An admin has decided on every report that is left. " if decided else ""
    raise NothingToUndo(f"{annotator!r} has given nothing to take back. {why}Vote first.")


def reused_key(key: str, owner: str) -> InvalidKey:
    """Return the error for a key that belongs to another kind of act."""
    return InvalidKey(f"The key {key!r} belongs to {owner}. Send a fresh key with every act.")
