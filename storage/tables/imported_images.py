"""Imported images and their pairs, stored in the studio like rendered ones."""

import errno
import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence

from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import DiskFull
from storage.records import Image, Pair, new_id
from storage.studio_folder import StudioFolder
from storage.tables.images import insert_images
from storage.tables.pairs import insert_pair
from storage.timestamps import Clock

IMPORTED = "imported"
"""The version of images that no version of a model rendered."""


class ImportedImages:
    """Imported images as files, rows and pairs, many at a time."""

    def __init__(
        self, database: Database, folder: StudioFolder, counts: RunningCounts, clock: Clock
    ) -> None:
        self._database, self._folder = database, folder
        self._counts, self._clock = counts, clock

    def write_image(self, png: bytes) -> str:
        """Write an image's file and return its SHA-256; raises DiskFull.

        A file that is there with these bytes stays; a damaged one is written anew.
        """
        sha256 = hashlib.sha256(png).hexdigest()
        path = self._folder.image(sha256)
        if path.is_file() and path.read_bytes() == png:
            return sha256

        scratch = path.with_name(f".{new_id()}")
        try:
            path.parent.mkdir(exist_ok=True)
            with scratch.open("wb") as file:
                file.write(png)
                file.flush()
                # Before the rename: else a power cut could leave the name with half the bytes.
                os.fsync(file.fileno())
            os.replace(scratch, path)
        except OSError as error:
            why = error.strerror or error
            space = " Free some space on its disk, then" if error.errno == errno.ENOSPC else ""
            raise DiskFull(
                f"The image {path} could not be written: {why}.{space or ' Then'} bring the "
                "folder in again: what is here already is not taken twice."
            ) from error
        finally:
            scratch.unlink(missing_ok=True)
        return sha256

    def partners(self, base: str) -> dict[str, set[str]]:
        """Return the imported images that are in pairs of a model, each with its partners."""
        rows = self._database.read(
            "SELECT left_image, right_image FROM pairs WHERE base = ? AND version = ?",
            [base, IMPORTED],
        )
        partners: dict[str, set[str]] = defaultdict(set)
        for one, other in rows:
            partners[one].add(other)
            partners[other].add(one)
        return dict(partners)

    def add(
        self, base: str, images: Sequence[Image], pairs: Sequence[tuple[str, str, str]]
    ) -> list[Pair]:
        """Store images and pairs of (prompt, left, right) in one transaction."""
        now = self._clock()
        made = [Pair(new_id(), *pair, IMPORTED) for pair in pairs]

        def insert(cursor: Cursor) -> list[int]:
            insert_images(cursor, images, now)
            return [insert_pair(cursor, pair, base, now) for pair in made]

        def count(numbers: list[int]) -> None:
            for pair, number in zip(made, numbers, strict=True):
                self._counts.add_pair(base, pair, number)

        if made:
            self._counts.write(insert, then=count)
        return made
