"""Pairs of images, as annotators are shown them, and those that show a winner again."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from sys import intern

from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import UnknownImage, UnknownPair
from storage.recipes import Recipe
from storage.records import Image, OpenPair, Pair, new_id
from storage.tables.images import COLUMNS as IMAGE_COLUMNS
from storage.tables.images import image_of
from storage.tables.prompts import clean_prompt
from storage.timestamps import Clock

COLUMNS = "pair_id, prompt, left_image, right_image, version"
SHOWN = f"""
SELECT {COLUMNS}, trial_id, coalesce(question, 'overall'), kind, coalesce(in_a_row, 0),
       kept_pairs.annotator
FROM pairs LEFT JOIN trial_pairs USING (pair_id) LEFT JOIN control_pairs USING (pair_id)
LEFT JOIN kept_pairs USING (pair_id)
"""
ONE = f"{SHOWN} WHERE pair_id = ?"
SOME = f"{SHOWN} WHERE pair_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY number"

# Pairs that more annotators may be asked about, and the ones who voted on them already.
OPEN = """
SELECT pairs.pair_id, version, people FROM pairs
LEFT JOIN (
    SELECT pair_id, list(DISTINCT annotator) AS people FROM current_votes GROUP BY pair_id
) AS asked USING (pair_id)
WHERE base = $base AND coalesce(len(people), 0) < $overlap
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM taken_back_pairs)
ORDER BY number
"""

# A recipe without what differs from pair to pair: of 100,000 pairs there are a few such looks.
LOOK = """
json_merge_patch(recipe, '{"prompt": null, "seed": null, "version": null, "text": null}')
"""
UNVOTED = """
FROM pairs JOIN images ON image_id = left_image
WHERE pairs.base = $base AND pairs.version <> 'imported'
  AND pair_id NOT IN (SELECT pair_id FROM current_votes)
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
"""
UNVOTED_LOOKS = f"SELECT {LOOK} AS look, any_value(recipe) {UNVOTED} GROUP BY look"
UNVOTED_OF_LOOKS = f"SELECT pair_id {UNVOTED} AND {LOOK} IN (SELECT unnest($looks::VARCHAR[]))"

INSERT_KEPT = """
INSERT INTO kept_pairs (pair_id, of_pair, vote_key, annotator, in_a_row, created)
VALUES (?, ?, ?, ?, ?, ?)
"""
KEPT_AFTER = "SELECT pair_id FROM kept_pairs WHERE vote_key = ?"

# Neither imported, nor made for a blind test, as a control pair or to show a winner again.
RENDERED_SINCE = """
SELECT count(*) FROM pairs
WHERE base = $base AND number > $number AND version <> 'imported'
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM kept_pairs)
  AND pair_id NOT IN (SELECT unnest($without::VARCHAR[]))
"""

NEWEST_IMAGES = f"""
SELECT {IMAGE_COLUMNS} FROM images JOIN (
    SELECT left_image FROM pairs WHERE base = ? AND version <> 'imported'
    ORDER BY number DESC LIMIT ?
) ON image_id = left_image
"""

NOBODY: frozenset[str] = frozenset()


class Pairs:
    """All pairs of a studio."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database = database
        self._counts = counts
        self._clock = clock

    def add(self, prompt: str, left: str, right: str, base: str, version: str) -> Pair:
        """Store a pair of two image ids as it will be shown; raises UnknownImage."""
        pair = Pair(new_id(), clean_prompt(prompt, "The prompt"), left, right, version)
        now = self._clock()

        def insert(cursor: Cursor) -> int:
            return insert_pair(cursor, pair, base, now)

        self._counts.write(insert, then=lambda number: self._counts.add_pair(base, pair, number))
        return pair

    def open(self, base: str, overlap: int) -> list[OpenPair]:
        """Return the pairs on which fewer than `overlap` people have a vote, with these people.

        Oldest first; without pairs of blind tests, control pairs, and hidden or taken back ones.
        There may be 100,000 of them, so what they show is left to `some`.
        """
        rows = self._database.read(OPEN, {"base": base, "overlap": overlap})
        return [
            OpenPair(pair_id, intern(version), frozenset(people) if people else NOBODY)
            for pair_id, version, people in rows
        ]

    def some(self, pair_ids: Sequence[str]) -> list[Pair]:
        """Return the pairs with these ids, oldest first; unknown ones are missing."""
        return [Pair(*row) for row in self._database.read(SOME, [list(pair_ids)])]

    def unvoted(self, base: str, unlike: Callable[[Recipe], bool]) -> set[str]:
        """Return the rendered pairs without a vote whose recipe is unlike something.

        `unlike` may not depend on prompt, seed and version: it is asked once for all others.
        """
        looks = self._database.read(UNVOTED_LOOKS, {"base": base})
        other = [look for look, recipe in looks if unlike(json.loads(recipe))]
        if not other:
            return set()
        found = self._database.read(UNVOTED_OF_LOOKS, {"base": base, "looks": other})
        return {pair_id for (pair_id,) in found}

    def newest_number(self) -> int:
        """Return the number of the newest pair of all models; 0 before the first."""
        return int(self._database.read("SELECT coalesce(max(number), 0) FROM pairs")[0][0])

    def rendered_since(self, base: str, number: int, without: Collection[str] = ()) -> int:
        """Count the pairs that were rendered ahead after the one with a number, but for some."""
        given = {"base": base, "number": number, "without": list(without)}
        return int(self._database.read(RENDERED_SINCE, given)[0][0])

    def newest_images(self, base: str, limit: int) -> list[Image]:
        """Return an image of each of the newest rendered pairs of a model."""
        return [image_of(row) for row in self._database.read(NEWEST_IMAGES, [base, limit])]

    def people(self, pair_id: str) -> frozenset[str]:
        """Return the annotators with a current vote on a pair."""
        rows = self._database.read(
            "SELECT DISTINCT annotator FROM current_votes WHERE pair_id = ?", [pair_id]
        )
        return frozenset(name for (name,) in rows)

    def of_other_models(self, pair_ids: Sequence[str], base: str) -> frozenset[str]:
        """Return which of these are pairs of other models."""
        rows = self._database.read(
            "SELECT pair_id FROM pairs WHERE list_contains(?, pair_id) AND base <> ?",
            [list(pair_ids), base],
        )
        return frozenset(pair_id for (pair_id,) in rows)

    def get(self, pair_id: str) -> Pair:
        """Return the pair with this id; raises UnknownPair."""
        rows = self._database.read(ONE, [pair_id])
        if not rows:
            raise unknown_pair(pair_id)
        return Pair(*rows[0])


@dataclass(frozen=True, slots=True)
class KeptFrom:
    """Where a kept pair comes from: the pair and the vote that its winner won."""

    pair_id: str
    vote_key: str
    annotator: str


class KeptPairs:
    """Kept pairs of a studio: pairs like any other, with a note of the vote that they follow."""

    def __init__(self, database: Database, counts: RunningCounts, clock: Clock) -> None:
        self._database, self._counts, self._clock = database, counts, clock

    def add(self, pair: Pair, base: str, kept_from: KeptFrom) -> Pair:
        """Store a pair and where it comes from, both or neither; raises UnknownImage."""
        now = self._clock()

        def insert(cursor: Cursor) -> int:
            number = insert_pair(cursor, pair, base, now)
            came = (kept_from.pair_id, kept_from.vote_key, kept_from.annotator)
            cursor.execute(INSERT_KEPT, [pair.pair_id, *came, pair.in_a_row, now])
            return number

        self._counts.write(insert, then=lambda number: self._counts.add_pair(base, pair, number))
        return pair

    def after(self, vote_key: str) -> list[str]:
        """Return the ids of the pairs that keep the winner of a vote."""
        return [pair_id for (pair_id,) in self._database.read(KEPT_AFTER, [vote_key])]


def insert_pair(cursor: Cursor, pair: Pair, base: str, now: datetime) -> int:
    """Append a pair and return its number; raises UnknownImage."""
    for image_id in (pair.left, pair.right):
        require_image(cursor, image_id)
    inserted = cursor.execute(
        f"INSERT INTO pairs ({COLUMNS}, base, created) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "RETURNING number",
        [pair.pair_id, pair.prompt, pair.left, pair.right, pair.version, base, now],
    )
    return int(inserted.fetchall()[0][0])


def require_pair(cursor: Cursor, pair_id: str) -> Pair:
    """Return a pair as it is shown; raises UnknownPair."""
    row = cursor.execute(ONE, [pair_id]).fetchone()
    if row is None:
        raise unknown_pair(pair_id)
    return Pair(*row)


def require_image(cursor: Cursor, image_id: str) -> None:
    """Raise UnknownImage unless the image is stored."""
    if not cursor.execute("SELECT 1 FROM images WHERE image_id = ?", [image_id]).fetchone():
        raise UnknownImage(
            f"There is no image {image_id!r}. Add the images before the pair that shows them."
        )


def unknown_pair(pair_id: str) -> UnknownPair:
    """Return the error for a pair that does not exist."""
    return UnknownPair(f"There is no pair {pair_id!r}. Ask for the next pair and vote on that one.")


def is_hidden(cursor: Cursor, pair_id: str) -> bool:
    """Return True if a flag hides a pair from everybody."""
    sql = "SELECT 1 FROM hidden_pairs WHERE pair_id = ?"
    return cursor.execute(sql, [pair_id]).fetchone() is not None


def kept_after(cursor: Cursor, vote_key: str) -> list[str]:
    """Return the ids of the pairs that keep the winner of a vote, within a transaction."""
    return [pair_id for (pair_id,) in cursor.execute(KEPT_AFTER, [vote_key]).fetchall()]


def following(pair: Pair, left: str, right: str, annotator: str) -> Pair:
    """Return a pair that keeps an annotator's winner of another one, which is not stored yet."""
    shown = (new_id(), pair.prompt, left, right, pair.version)
    return Pair(*shown, in_a_row=pair.in_a_row + 1, kept_by=annotator)
