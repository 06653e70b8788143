"""The pairs that people look at."""

from datetime import datetime

from storage.clock import Clock
from storage.database import Cursor, Database
from storage.errors import UnknownImage, UnknownPair
from storage.prompts import clean_prompt
from storage.records import Pair, new_id
from storage.tally import Tally

COLUMNS = "pair_id, prompt, left_image, right_image, version"
SHOWN = f"""
SELECT {COLUMNS}, trial_id, coalesce(question, 'overall'), kind
FROM pairs LEFT JOIN trial_pairs USING (pair_id) LEFT JOIN checks USING (pair_id)
"""


class Pairs:
    """All pairs of a studio."""

    def __init__(self, database: Database, tally: Tally, clock: Clock) -> None:
        self._database = database
        self._tally = tally
        self._clock = clock

    def add(self, prompt: str, left: str, right: str, base: str, version: str) -> Pair:
        """Store a pair of two image ids as it will be shown; raises UnknownImage."""
        pair = Pair(new_id(), clean_prompt(prompt, "The prompt"), left, right, version)
        now = self._clock()

        def insert(cursor: Cursor) -> Pair:
            insert_pair(cursor, pair, base, now)
            return pair

        return self._tally.write(insert, then=lambda pair: self._tally.add_pair(base, pair))

    def get(self, pair_id: str) -> Pair:
        """Return the pair with this id; raises UnknownPair."""
        rows = self._database.read(f"{SHOWN} WHERE pair_id = ?", [pair_id])
        if not rows:
            raise unknown_pair(pair_id)
        return Pair(*rows[0])


def insert_pair(cursor: Cursor, pair: Pair, base: str, now: datetime) -> None:
    """Append a pair; raises UnknownImage."""
    for image_id in (pair.left, pair.right):
        require_image(cursor, image_id)
    cursor.execute(
        f"INSERT INTO pairs ({COLUMNS}, base, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [pair.pair_id, pair.prompt, pair.left, pair.right, pair.version, base, now],
    )


def require_image(cursor: Cursor, image_id: str) -> None:
    """Raise UnknownImage unless the picture is stored."""
    if not cursor.execute("SELECT 1 FROM images WHERE image_id = ?", [image_id]).fetchone():
        raise UnknownImage(
            f"There is no picture {image_id!r}. Add the pictures before the pair that shows them."
        )


def unknown_pair(pair_id: str) -> UnknownPair:
    """Say that a pair does not exist."""
    return UnknownPair(f"There is no pair {pair_id!r}. Ask for the next pair and vote on that one.")
