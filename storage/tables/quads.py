"""Quads: four images of one prompt, of which annotators name the best and the worst."""

import json
from collections.abc import Sequence

from storage.database import Cursor, Database, Row
from storage.errors import InvalidRanking, UnknownQuad
from storage.recipes import Recipe
from storage.records import QUAD_SIZE, Quad, new_id
from storage.tables.pairs import require_image
from storage.tables.prompts import clean_prompt
from storage.timestamps import Clock

OPEN = """
SELECT quad_id, prompt, images, version FROM quads
WHERE base = ? AND quad_id NOT IN (SELECT quad_id FROM current_rankings) ORDER BY created
"""

UNRANKED_RECIPES = """
SELECT quad_id, recipe FROM quads JOIN images ON image_id = quads.images[1]
WHERE base = ? AND quad_id NOT IN (SELECT quad_id FROM current_rankings)
"""


class Quads:
    """All quads of a studio."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def add(self, prompt: str, images: Sequence[str], base: str, version: str) -> Quad:
        """Store four image ids in the order in which they are shown; raises UnknownImage."""
        if len(images) != QUAD_SIZE or len(set(images)) != QUAD_SIZE:
            raise InvalidRanking(f"A quad is {QUAD_SIZE} different images, not {list(images)!r}.")
        quad = Quad(new_id(), clean_prompt(prompt, "The prompt"), tuple(images), version)
        now = self._clock()

        def insert(cursor: Cursor) -> Quad:
            for image_id in images:
                require_image(cursor, image_id)
            cursor.execute(
                "INSERT INTO quads VALUES (?, ?, ?, ?, ?, ?)",
                [quad.quad_id, quad.prompt, list(images), base, version, now],
            )
            return quad

        return self._database.write(insert)

    def open(self, base: str) -> list[Quad]:
        """Return the quads of a model without a current ranking, oldest first."""
        return [quad_of(row) for row in self._database.read(OPEN, [base])]

    def get(self, quad_id: str) -> Quad:
        """Return the quad with this id; raises UnknownQuad."""
        rows = self._database.read(
            "SELECT quad_id, prompt, images, version FROM quads WHERE quad_id = ?", [quad_id]
        )
        if not rows:
            raise unknown_quad(quad_id)
        return quad_of(rows[0])

    def any_ranked(self, base: str) -> bool:
        """Return whether somebody ranked a quad of a model."""
        rows = self._database.read(
            "SELECT 1 FROM current_rankings JOIN quads USING (quad_id) "
            "WHERE quads.base = ? LIMIT 1",
            [base],
        )
        return bool(rows)

    def unranked_recipes(self, base: str) -> dict[str, Recipe]:
        """Return how the quads without a ranking were rendered, by the recipe of an image."""
        rows = self._database.read(UNRANKED_RECIPES, [base])
        return {quad_id: json.loads(recipe) for quad_id, recipe in rows}

    def of_other_models(self, quad_ids: Sequence[str], base: str) -> frozenset[str]:
        """Return which of these are quads of other models."""
        rows = self._database.read(
            "SELECT quad_id FROM quads WHERE list_contains(?, quad_id) AND base <> ?",
            [list(quad_ids), base],
        )
        return frozenset(quad_id for (quad_id,) in rows)


def quad_of(row: Row) -> Quad:
    """Build a quad from (id, prompt, images, version)."""
    quad_id, prompt, images, version = row
    return Quad(quad_id, prompt, tuple(images), version)


def require_quad(cursor: Cursor, quad_id: str) -> tuple[Quad, str]:
    """Return a quad and its model; raises UnknownQuad."""
    row = cursor.execute(
        "SELECT quad_id, prompt, images, version, base FROM quads WHERE quad_id = ?", [quad_id]
    ).fetchone()
    if row is None:
        raise unknown_quad(quad_id)
    return quad_of(row[:4]), row[4]


def unknown_quad(quad_id: str) -> UnknownQuad:
    """Return the error for an id that no quad has."""
    return UnknownQuad(f"There are no four images {quad_id!r}. Ask for the next ones.")
