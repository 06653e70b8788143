"""Control pairs: repeats with their sides swapped, and gold pairs, whose better image is known.

Each is a copy of a pair that one annotator is asked, so that it looks like any other.
"""

from storage.database import Cursor, Database
from storage.records import Pair, new_id
from storage.tables.pairs import insert_pair, unknown_pair
from storage.timestamps import Clock

REPEAT, GOLD = "repeat", "gold"

REPEATABLE = """
SELECT pair_id FROM (
    SELECT pair_id, verdict, row_number() OVER (ORDER BY vote_id DESC) AS ago
    FROM current_votes WHERE base = $base AND annotator = $annotator
)
WHERE ago > $after AND ago <= $until AND verdict <> 'skip'
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
  AND pair_id NOT IN (SELECT of_pair FROM control_pairs WHERE annotator = $annotator)
"""

UNSEEN_GOLD = """
SELECT pair_id FROM gold_pairs
WHERE base = $base
  AND pair_id NOT IN (SELECT of_pair FROM control_pairs WHERE annotator = $annotator)
  AND pair_id NOT IN (SELECT pair_id FROM current_votes WHERE annotator = $annotator)
"""


class ControlPairs:
    """Repeats and gold pairs of a studio; no run trains on the votes on them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def repeatable(self, base: str, annotator: str, after: int, until: int) -> list[str]:
        """Return the pairs an annotator voted `after` to `until` votes ago and never repeated."""
        known = {"base": base, "annotator": annotator, "after": after, "until": until}
        return [pair_id for (pair_id,) in self._database.read(REPEATABLE, known)]

    def unseen_gold(self, base: str, annotator: str) -> list[str]:
        """Return the gold pairs that an annotator was not asked yet."""
        rows = self._database.read(UNSEEN_GOLD, {"base": base, "annotator": annotator})
        return [pair_id for (pair_id,) in rows]

    def add_copy(self, pair_id: str, annotator: str, kind: str, swap: bool) -> Pair:
        """Store a copy of a pair for one annotator, its sides as they saw them, or swapped.

        Raises UnknownPair.
        """
        now = self._clock()

        def insert(cursor: Cursor) -> Pair:
            prompt, left, right, base, version = pair_as_seen(cursor, pair_id, annotator)
            sides = (right, left) if swap else (left, right)
            pair = Pair(new_id(), prompt, *sides, version, check=kind)
            insert_pair(cursor, pair, base, now)
            row = [pair.pair_id, pair_id, annotator, kind, now]
            cursor.execute("INSERT INTO control_pairs VALUES (?, ?, ?, ?, ?)", row)
            return pair

        return self._database.write(insert)

    def mark_gold(self, base: str, pair_id: str, winner: str, who: str) -> None:
        """Make a pair a gold pair by naming its better image; "" takes that back.

        Raises UnknownPair.
        """

        def insert(cursor: Cursor) -> None:
            _, left, right, *_ = pair_as_seen(cursor, pair_id, who)
            if winner not in ("", left, right):
                raise unknown_pair(pair_id)
            cursor.execute(
                "INSERT INTO gold_marks (base, pair_id, winner, who, created) "
                "VALUES (?, ?, ?, ?, ?)",
                [base, pair_id, winner, who, self._clock()],
            )

        self._database.write(insert)

    def gold(self, base: str) -> dict[str, str]:
        """Return the better image of each gold pair, by pair id."""
        sql = "SELECT pair_id, winner FROM gold_pairs WHERE base = ?"
        return dict(self._database.read(sql, [base]))


def pair_as_seen(cursor: Cursor, pair_id: str, annotator: str) -> tuple[str, str, str, str, str]:
    """Return (prompt, left, right, base, version) of a pair, with the sides that an annotator saw.

    Raises UnknownPair.
    """
    row = cursor.execute(
        "SELECT prompt, left_image, right_image, base, version FROM pairs WHERE pair_id = ?",
        [pair_id],
    ).fetchone()
    if row is None:
        raise unknown_pair(pair_id)

    prompt, left, right, base, version = row
    seen = cursor.execute(
        "SELECT left_image FROM votes WHERE pair_id = ? AND annotator = ? "
        "ORDER BY vote_id DESC LIMIT 1",
        [pair_id, annotator],
    ).fetchone()
    if seen is not None and seen[0] == right:
        left, right = right, left
    return prompt, left, right, base, version
