"""Act order: the order in which rankings, flags and annotations came, whatever the clock says.

Each of them notes the newest vote at its time, so that together with the votes they have one order.
"""

from storage.database import Cursor

RANKING, REPORT, REMARK = "ranking", "report", "remark"
"""Kinds of acts as rows of studios hold them: a report is a flag, a remark an annotation."""


def note_act(cursor: Cursor, kind: str, key: str, annotator: str) -> None:
    """Record an act as the newest one, once per kind and key, within its own transaction."""
    cursor.execute(
        "INSERT INTO acts (kind, key, annotator, after_vote) "
        "SELECT ?, ?, ?, coalesce(max(vote_id), 0) FROM votes ON CONFLICT DO NOTHING",
        [kind, key, annotator],
    )
