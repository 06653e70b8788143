"""Sittings: a goal of so many votes that a person sets, pauses and takes up again anywhere."""

from datetime import datetime

from storage.database import Cursor, Database, Row
from storage.errors import InvalidGoal, NoSitting
from storage.records import Sitting, SittingVote, new_id
from storage.tables.votes import check_annotator
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

# Rankings are votes on four images; both are acts that a person gave within the sitting.
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

# Of a sitting from before there were bounds: the newest acts before it began, or until it ended.
BY_TIME = """
SELECT (SELECT coalesce(max(vote_id), 0) FROM votes
        WHERE created < $at OR ($ended AND created = $at)),
       (SELECT coalesce(max(ranking_id), 0) FROM rankings
        WHERE created < $at OR ($ended AND created = $at))
"""

NOW = """
INSERT INTO labeling_session_bounds
SELECT $sitting, $ended, (SELECT coalesce(max(vote_id), 0) FROM votes),
       (SELECT coalesce(max(ranking_id), 0) FROM rankings)
ON CONFLICT DO NOTHING
"""
LATEST = 2**62


class Sittings:
    """All sittings of a studio; a person has one at a time, and its newest state counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, annotator: str, goal: int) -> Sitting:
        """Begin a sitting, ending the one before; raises InvalidGoal or InvalidAnnotator."""
        check_annotator(annotator)
        if not 1 <= goal <= LARGEST_GOAL:
            raise InvalidGoal(f"A goal is 1 to {LARGEST_GOAL:,} votes, not {goal}. Choose another.")
        before, now = self.newest(annotator), self._clock()
        sitting = Sitting(new_id(), annotator, goal, now, OPEN)

        def insert(cursor: Cursor) -> None:
            if before and before.state != ENDED:
                append(cursor, before.session_id, ENDED, now)
            cursor.execute(
                "INSERT INTO labeling_sessions VALUES (?, ?, ?, ?)",
                [sitting.session_id, annotator, goal, now],
            )
            append(cursor, sitting.session_id, OPEN, now)

        self._database.write(insert)
        return sitting

    def turn(self, annotator: str, state: str) -> Sitting:
        """Pause, go on with or end the annotator's sitting; raises NoSitting."""
        sitting = self.newest(annotator)
        if sitting is None or sitting.state == ENDED:
            raise NoSitting(f"{annotator!r} has no sitting. Set a goal to begin one.")
        now = self._clock()
        self._database.write(lambda cursor: append(cursor, sitting.session_id, state, now))
        return Sitting(sitting.session_id, annotator, sitting.goal, sitting.created, state)

    def newest(self, annotator: str) -> Sitting | None:
        """Return the annotator's newest sitting, whatever its state."""
        rows = self._database.read(NEWEST, [annotator])
        return sitting_of(rows[0]) if rows else None

    def given(self, sitting: Sitting) -> list[SittingVote]:
        """Return what a person gave in a sitting and did not take back, in order."""
        rows = self._database.read(GIVEN, self._within(sitting))
        return [SittingVote(*row) for row in rows]

    def count(self, sitting: Sitting) -> int:
        """Return how many a person gave in a sitting under way and did not take back."""
        rows = self._database.read(f"SELECT count(*) FROM ({GIVEN})", self._within(sitting))
        return int(rows[0][0])

    def _within(self, sitting: Sitting) -> dict[str, object]:
        """Say which acts belong to a sitting, as GIVEN names them."""
        ended = self._ended(sitting)
        after = self._bound(sitting, sitting.created, ended=False)
        last = self._bound(sitting, ended, ended=True) if ended else (LATEST, LATEST)
        return {
            "annotator": sitting.annotator,
            "after_vote": after[0],
            "after_ranking": after[1],
            "last_vote": last[0],
            "last_ranking": last[1],
        }

    def _bound(self, sitting: Sitting, at: datetime, ended: bool) -> tuple[int, int]:
        """Return the newest vote and ranking of when a sitting began or ended."""
        found = self._database.read(BOUNDS, [sitting.session_id, ended])
        vote_id, ranking_id = (found or self._database.read(BY_TIME, {"at": at, "ended": ended}))[0]
        return int(vote_id), int(ranking_id)

    def _ended(self, sitting: Sitting) -> datetime | None:
        rows = self._database.read(
            "SELECT max(created) FROM labeling_session_states WHERE session_id = ? AND state = ?",
            [sitting.session_id, ENDED],
        )
        at: datetime | None = rows[0][0]
        return at


def append(cursor: Cursor, session_id: str, state: str, now: datetime) -> None:
    """Record where a sitting stands."""
    cursor.execute(
        "INSERT INTO labeling_session_states (session_id, state, created) VALUES (?, ?, ?)",
        [session_id, state, now],
    )
    if state in (OPEN, ENDED):
        # What is there already counts: a sitting that goes on after a pause began before it.
        cursor.execute(NOW, {"sitting": session_id, "ended": state == ENDED})


def sitting_of(row: Row) -> Sitting:
    """Build a sitting from a row of NEWEST."""
    return Sitting(*row)
