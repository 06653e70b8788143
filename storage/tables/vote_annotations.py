"""Annotations of a vote: how clear it was, why the loser lost, and what won by a criterion.

They are asked after the vote is recorded, and refer to it by its key, so that nothing holds up the
vote itself. The newest of a vote, kind and name counts, and an empty one removes it.
"""

from storage.act_log import ANNOTATION, record
from storage.acts import CRITERION, NewAnnotation
from storage.database import Cursor, Database
from storage.errors import UnknownVote
from storage.timestamps import Clock


class VoteAnnotations:
    """All annotations of a studio."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, annotation: NewAnnotation) -> None:
        """Record an annotation of the annotator's own vote, once per key; raises UnknownVote."""
        now = self._clock()

        def insert(cursor: Cursor) -> None:
            row = {
                "vote_key": annotation.vote_key,
                "kind": annotation.kind,
                "name": annotation.name,
                "value": value_of(cursor, annotation),
            }
            record(cursor, ANNOTATION, annotation, now, row)

        self._database.write(insert)


def value_of(cursor: Cursor, annotation: NewAnnotation) -> str:
    """Return a value as it is stored: a criterion's winner as an image; raises UnknownVote."""
    row = cursor.execute(
        "SELECT pairs.left_image, pairs.right_image FROM votes JOIN pairs USING (pair_id) "
        "WHERE key = ? AND annotator = ? AND verdict IS NOT NULL",
        [annotation.vote_key, annotation.annotator],
    ).fetchone()
    if row is None:
        raise UnknownVote(
            f"{annotation.annotator!r} gave no vote under the key {annotation.vote_key!r}. "
            "Vote first."
        )

    # By image, as the vote itself: it outlives any change of sides.
    left, right = row
    winners = {"left": left, "right": right} if annotation.kind == CRITERION else {}
    return str(winners.get(annotation.value, annotation.value))
