"""Sittings: a goal of so many votes that a person sets, pauses and takes up again anywhere."""

from datetime import datetime

from storage.clock import Clock
from storage.database import Cursor, Database, Row
from storage.errors import InvalidGoal, NoSitting
from storage.records import Sitting, SittingVote, new_id
from storage.votes import check_annotator

LARGEST_GOAL = 10_000
OPEN, PAUSED, ENDED = "open", "paused", "ended"

NEWEST = """
SELECT sitting_id, annotator, goal, sittings.created, newest.state
FROM sittings JOIN (
    SELECT sitting_id, arg_max(state, sitting_state_id) AS state
    FROM sitting_states GROUP BY sitting_id
) AS newest USING (sitting_id)
WHERE annotator = ? ORDER BY sittings.created DESC LIMIT 1
"""

# Rankings are votes on four pictures; both are acts that a person gave within the sitting.
GIVEN = """
SELECT created, verdict, response_ms FROM current_votes
WHERE annotator = $annotator AND created >= $since AND created <= $until
UNION ALL
SELECT created, CASE WHEN best IS NULL THEN 'skip' ELSE 'ranking' END, response_ms
FROM current_rankings
WHERE annotator = $annotator AND created >= $since AND created <= $until
ORDER BY created
"""


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
                append(cursor, before.sitting_id, ENDED, now)
            cursor.execute(
                "INSERT INTO sittings VALUES (?, ?, ?, ?)",
                [sitting.sitting_id, annotator, goal, now],
            )
            append(cursor, sitting.sitting_id, OPEN, now)

        self._database.write(insert)
        return sitting

    def turn(self, annotator: str, state: str) -> Sitting:
        """Pause, go on with or end the annotator's sitting; raises NoSitting."""
        sitting = self.newest(annotator)
        if sitting is None or sitting.state == ENDED:
            raise NoSitting(f"{annotator!r} has no sitting. Set a goal to begin one.")
        now = self._clock()
        self._database.write(lambda cursor: append(cursor, sitting.sitting_id, state, now))
        return Sitting(sitting.sitting_id, annotator, sitting.goal, sitting.created, state)

    def newest(self, annotator: str) -> Sitting | None:
        """Return the annotator's newest sitting, whatever its state."""
        rows = self._database.read(NEWEST, [annotator])
        return sitting_of(rows[0]) if rows else None

    def given(self, sitting: Sitting) -> list[SittingVote]:
        """Return what a person gave in a sitting and did not take back, in order."""
        until = self._ended(sitting) or datetime.max
        rows = self._database.read(
            GIVEN, {"annotator": sitting.annotator, "since": sitting.created, "until": until}
        )
        return [SittingVote(*row) for row in rows]

    def count(self, sitting: Sitting) -> int:
        """Return how many a person gave in a sitting under way and did not take back."""
        rows = self._database.read(
            f"SELECT count(*) FROM ({GIVEN})",
            {"annotator": sitting.annotator, "since": sitting.created, "until": datetime.max},
        )
        return int(rows[0][0])

    def _ended(self, sitting: Sitting) -> datetime | None:
        rows = self._database.read(
            "SELECT max(created) FROM sitting_states WHERE sitting_id = ? AND state = ?",
            [sitting.sitting_id, ENDED],
        )
        at: datetime | None = rows[0][0]
        return at


def append(cursor: Cursor, sitting_id: str, state: str, now: datetime) -> None:
    """Record where a sitting stands."""
    cursor.execute(
        "INSERT INTO sitting_states (sitting_id, state, created) VALUES (?, ?, ?)",
        [sitting_id, state, now],
    )


def sitting_of(row: Row) -> Sitting:
    """Build a sitting from a row of NEWEST."""
    return Sitting(*row)
