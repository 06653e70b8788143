"""Labeling sessions: a goal of so many votes that an annotator sets, pauses and takes up again."""

from datetime import datetime

from storage.acts import check_annotator
from storage.database import Cursor, Database, Row
from storage.errors import InvalidGoal, NoLabelingSession
from storage.records import LabelingSession, SessionVote, new_id
from storage.timestamps import Clock

LARGEST_GOAL = 10_000
OPEN, PAUSED, ENDED = "open", "paused", "ended"

NEWEST = """
SELECT session_id, annotator, goal, labeling_sessions.created, newest.state
FROM labeling_sessions JOIN (
    SELECT session_id, arg_max(state, session_state_id) AS state, min(session_state_id) AS began
    FROM labeling_session_states GROUP BY session_id
) AS newest USING (session_id)
WHERE annotator = ? ORDER BY began DESC LIMIT 1
"""

# A ranking counts as one vote, on four images.
GIVEN = """
SELECT created, verdict, response_ms FROM current_votes
WHERE annotator = $annotator AND vote_id > $after_vote AND vote_id <= $last_vote
UNION ALL
SELECT created, CASE WHEN best IS NULL THEN 'skip' ELSE 'ranking' END, response_ms
FROM current_rankings
WHERE annotator = $annotator AND ranking_id > $after_ranking AND ranking_id <= $last_ranking
ORDER BY created
"""

BOUNDS = """
SELECT vote_id, ranking_id FROM labeling_session_bounds WHERE session_id = ? AND ended = ?
"""

# Sessions of older studios have no bounds: the newest acts before it began, or until it ended.
BY_TIME = """
SELECT (SELECT coalesce(max(vote_id), 0) FROM votes
        WHERE created < $at OR ($ended AND created = $at)),
       (SELECT coalesce(max(ranking_id), 0) FROM rankings
        WHERE created < $at OR ($ended AND created = $at))
"""

NOW = """
INSERT INTO labeling_session_bounds
SELECT $session, $ended, (SELECT coalesce(max(vote_id), 0) FROM votes),
       (SELECT coalesce(max(ranking_id), 0) FROM rankings)
ON CONFLICT DO NOTHING
"""
LATEST = 2**62
"""An id after all others, for a session that has not ended."""


class StoredSessions:
    """All labeling sessions; an annotator has one at a time, and its newest state counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, annotator: str, goal: int) -> LabelingSession:
        """Begin a session, ending the one before; raises InvalidGoal or InvalidAnnotator."""
        check_annotator(annotator)
        if not 1 <= goal <= LARGEST_GOAL:
            raise InvalidGoal(f"A goal is 1 to {LARGEST_GOAL:,} votes, not {goal}. Choose another.")
        before, now = self.newest(annotator), self._clock()
        session = LabelingSession(new_id(), annotator, goal, now, OPEN)

        def insert(cursor: Cursor) -> None:
            if before and before.state != ENDED:
                append(cursor, before.session_id, ENDED, now)
            cursor.execute(
                "INSERT INTO labeling_sessions VALUES (?, ?, ?, ?)",
                [session.session_id, annotator, goal, now],
            )
            append(cursor, session.session_id, OPEN, now)

        self._database.write(insert)
        return session

    def set_state(self, annotator: str, state: str) -> LabelingSession:
        """Pause, continue or end the annotator's session; raises NoLabelingSession."""
        session = self.newest(annotator)
        if session is None or session.state == ENDED:
            raise NoLabelingSession(f"{annotator!r} has no session. Set a goal to begin one.")
        now = self._clock()
        self._database.write(lambda cursor: append(cursor, session.session_id, state, now))
        return LabelingSession(session.session_id, annotator, session.goal, session.created, state)

    def newest(self, annotator: str) -> LabelingSession | None:
        """Return the annotator's newest session, whatever its state."""
        rows = self._database.read(NEWEST, [annotator])
        return session_of(rows[0]) if rows else None

    def votes_in(self, session: LabelingSession) -> list[SessionVote]:
        """Return the current votes and rankings of a session, in order."""
        rows = self._database.read(GIVEN, self._within(session))
        return [SessionVote(*row) for row in rows]

    def count(self, session: LabelingSession) -> int:
        """Count the current votes and rankings of a session."""
        rows = self._database.read(f"SELECT count(*) FROM ({GIVEN})", self._within(session))
        return int(rows[0][0])

    def _within(self, session: LabelingSession) -> dict[str, object]:
        """Return the bounds of a session as parameters of GIVEN.

        By ids and not by times: the clock may be set right meanwhile.
        """
        ended = self._ended(session)
        after = self._bound(session, session.created, ended=False)
        last = self._bound(session, ended, ended=True) if ended else (LATEST, LATEST)
        return {
            "annotator": session.annotator,
            "after_vote": after[0],
            "after_ranking": after[1],
            "last_vote": last[0],
            "last_ranking": last[1],
        }

    def _bound(self, session: LabelingSession, at: datetime, ended: bool) -> tuple[int, int]:
        """Return the newest vote and ranking id at the time a session began or ended."""
        found = self._database.read(BOUNDS, [session.session_id, ended])
        vote_id, ranking_id = (found or self._database.read(BY_TIME, {"at": at, "ended": ended}))[0]
        return int(vote_id), int(ranking_id)

    def _ended(self, session: LabelingSession) -> datetime | None:
        rows = self._database.read(
            "SELECT max(created) FROM labeling_session_states WHERE session_id = ? AND state = ?",
            [session.session_id, ENDED],
        )
        at: datetime | None = rows[0][0]
        return at


def append(cursor: Cursor, session_id: str, state: str, now: datetime) -> None:
    """Append a session's state, and its bounds where it begins or ends."""
    cursor.execute(
        "INSERT INTO labeling_session_states (session_id, state, created) VALUES (?, ?, ?)",
        [session_id, state, now],
    )
    if state in (OPEN, ENDED):
        # Where it began is there already when it goes on after a pause, and stays.
        cursor.execute(NOW, {"session": session_id, "ended": state == ENDED})


def session_of(row: Row) -> LabelingSession:
    """Build a session from a row of NEWEST."""
    return LabelingSession(*row)
