"""Rendered images, each identified by its recipe: the prompt, seed, version and settings."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from storage.database import Cursor, Database, Row
from storage.records import Image
from storage.timestamps import Clock

COLUMNS = "image_id, sha256, width, height, recipe, recipe_key, version"


class Images:
    """All images of a studio, each recipe once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def find(self, recipe_keys: Iterable[str]) -> dict[str, Image]:
        """Return the stored images with these recipe keys, by key; the others are missing."""
        rows = self._database.read(
            f"SELECT {COLUMNS} FROM images WHERE recipe_key IN (SELECT unnest(?::VARCHAR[]))",
            [list(recipe_keys)],
        )
        return {image.recipe_key: image for image in map(image_of, rows)}

    def add(self, images: Sequence[Image]) -> list[Image]:
        """Store images and return, in the same order, what is stored for their recipes."""
        now = self._clock()
        self._database.write(lambda cursor: insert_images(cursor, images, now))
        stored = self.find(image.recipe_key for image in images)
        return [stored[image.recipe_key] for image in images]

    def hashes(self, image_ids: Iterable[str]) -> dict[str, str]:
        """Return the SHA-256 of images by id; the others are missing."""
        rows = self._database.read(
            "SELECT image_id, sha256 FROM images WHERE image_id IN (SELECT unnest(?::VARCHAR[]))",
            [list(image_ids)],
        )
        return dict(rows)

    def get(self, image_id: str) -> Image | None:
        """Return the image with this id, or None."""
        rows = self._database.read(f"SELECT {COLUMNS} FROM images WHERE image_id = ?", [image_id])
        return image_of(rows[0]) if rows else None


def insert_images(cursor: Cursor, images: Sequence[Image], now: datetime) -> None:
    """Append the images whose recipes are new."""
    for image in images:
        recipe = json.dumps(image.recipe)
        cursor.execute(
            "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                image.image_id,
                image.sha256,
                image.width,
                image.height,
                recipe,
                image.recipe_key,
                image.version,
                now,
            ],
        )


def image_of(row: Row) -> Image:
    """Build an image's record from the row of its COLUMNS."""
    image_id, sha256, width, height, recipe, recipe_key, version = row
    return Image(image_id, sha256, width, height, json.loads(recipe), recipe_key, version)
