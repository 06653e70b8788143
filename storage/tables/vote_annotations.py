"""Annotations of a vote: how clear it was, why the loser lost, and what won by a criterion.

They are asked after the vote is recorded, and refer to it by its key, so that nothing holds up the
vote itself.
"""

from storage.act_order import REMARK, note_act
from storage.database import Cursor, Database
from storage.errors import InvalidAnnotation, InvalidKey, UnknownVote
from storage.records import VoteAnnotation
from storage.text import has_controls
from storage.timestamps import Clock

STRENGTH, REASON, CRITERION = "strength", "reason", "criterion"
STRENGTHS = ("", "2")
"""Strengths of a vote: empty for a plain one, 2 for a clear one."""
LONGEST_NAME = 64
SIDES = ("", "left", "right", "tie")


class VoteAnnotations:
    """All annotations; the newest of a vote, kind and name counts, and an empty one removes it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self, vote_key: str, annotator: str, kind: str, name: str, value: str, key: str
    ) -> None:
        """Add an annotation to the annotator's own vote, once per key.

        `value` is 2 or nothing for a strength, on or nothing for a reason, and left, right, tie or
        nothing for a criterion. Raises UnknownVote, InvalidAnnotation or InvalidKey.
        """
        require_sense(kind, name, value)
        if not key or has_controls(key):
            raise InvalidKey(f"{key!r} is not a key. Send a fresh one with every annotation.")
        now = self._clock()

        def insert(cursor: Cursor) -> None:
            stored = value_of(cursor, vote_key, annotator, kind, value)
            cursor.execute(
                "INSERT INTO vote_annotations (key, vote_key, kind, name, value, created) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                [key, vote_key, kind, name, stored, now],
            )
            note_act(cursor, REMARK, key, annotator)

        self._database.write(insert)

    def of_vote(self, vote_key: str) -> list[VoteAnnotation]:
        """Return the annotations of a current vote, ordered by kind and name."""
        rows = self._database.read(
            "SELECT kind, name, value FROM current_annotations WHERE vote_key = ? "
            "ORDER BY kind, name",
            [vote_key],
        )
        return [VoteAnnotation(*row) for row in rows]

    def reasons(self, base: str) -> list[tuple[str, int]]:
        """Count the reasons given for a model's candidate votes, the most frequent first."""
        return [
            (name, int(count))
            for name, count in self._database.read(
                "SELECT name, count(*) AS n FROM current_annotations "
                "JOIN candidate_votes USING (vote_id) WHERE kind = 'reason' AND base = ? "
                "GROUP BY name ORDER BY n DESC, name",
                [base],
            )
        ]


def require_sense(kind: str, name: str, value: str) -> None:
    """Raise InvalidAnnotation unless the kind, the name and the value go together."""
    values = {STRENGTH: STRENGTHS, REASON: ("", "on"), CRITERION: SIDES}.get(kind)
    if values is None:
        raise InvalidAnnotation(
            f"{kind!r} is no kind of annotation. Send strength, reason or criterion."
        )
    if value not in values:
        said = ", ".join(map(repr, values))
        raise InvalidAnnotation(f"{value!r} is no value of a {kind}. Send one of {said}.")

    named = 0 < len(name) <= LONGEST_NAME and not has_controls(name)
    if named == (kind == STRENGTH):
        raise InvalidAnnotation(
            "A strength has no name."
            if kind == STRENGTH
            else f"{name!r} names no {kind}. Use 1 to {LONGEST_NAME} characters of plain text."
        )


def value_of(cursor: Cursor, vote_key: str, annotator: str, kind: str, value: str) -> str:
    """Return a value as it is stored: a criterion's winner as an image; raises UnknownVote."""
    row = cursor.execute(
        "SELECT pairs.left_image, pairs.right_image FROM votes JOIN pairs USING (pair_id) "
        "WHERE key = ? AND annotator = ? AND verdict IS NOT NULL",
        [vote_key, annotator],
    ).fetchone()
    if row is None:
        raise UnknownVote(f"{annotator!r} gave no vote under the key {vote_key!r}. Vote first.")

    # By image, as the vote itself: it outlives any change of sides.
    left, right = row
    return {"left": left, "right": right}.get(value, value) if kind == CRITERION else value
