"""The order of what people give besides votes, which no clock can upset."""

from storage.database import Cursor

RANKING, REPORT, REMARK = "ranking", "report", "remark"


def note_act(cursor: Cursor, kind: str, key: str, annotator: str) -> None:
    """Record that something was given now, once per kind and key."""
    cursor.execute(
        "INSERT INTO acts (kind, key, annotator, after_vote) "
        "SELECT ?, ?, ?, coalesce(max(vote_id), 0) FROM votes ON CONFLICT DO NOTHING",
        [kind, key, annotator],
    )
