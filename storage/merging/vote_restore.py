"""Restore the votes of Palate's own Parquet into a studio that has none, all or nothing.

Image files come first: they are named by their bytes and harm nobody if the power goes meanwhile.
Then all rows are recorded in one transaction.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from storage.database import Cursor
from storage.errors import CopyingStopped, FolderTaken, UnreadableData
from storage.exports.pickapic_columns import FULL, is_full
from storage.layouts.parquet_files import ParquetFiles, open_parquet
from storage.merging.restored_rows import (
    PLAIN,
    NotOurs,
    RestoredVote,
    at_row,
    require,
    require_id,
    require_png,
    restored_vote,
)
from storage.merging.restored_tables import ModelFacts, RestoredTables
from storage.store import Store
from storage.timestamps import Clock, utc_now

Progress = Callable[[int, int], None]
IMAGES = (
    *("image_0_uid", "jpg_0", "width_0", "height_0", "image_1_uid", "jpg_1", "width_1", "height_1"),
    "more_images",
)
FACTS = "palate.json"
MOST_FACTS = 16_000_000
PAGE = 500
GIVEN = "SELECT (SELECT count(*) FROM votes) + (SELECT count(*) FROM rankings)"


@dataclass(frozen=True, slots=True)
class RestoredVotes:
    """What was restored."""

    votes: int
    rankings: int
    images: int
    of_sources: int
    """Votes that once came in from files: they stay where they are, for an import as a source."""

    @property
    def sentence(self) -> str:
        """Say it."""
        told = (
            f"Restored {self.votes:,} votes and {self.rankings:,} rankings on {self.images:,} "
            "images."
        )
        if self.of_sources:
            told += (
                f" {self.of_sources:,} rows once came in from files and were left out. Bring the "
                "folder in as a source to have them."
            )
        return told


class VoteRestore:
    """Restores one export into one studio."""

    def __init__(
        self,
        store: Store,
        progress: Progress = lambda done, of: None,
        cancelled: threading.Event | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._store, self._clock = store, clock
        self._progress, self._cancelled = progress, cancelled
        self._hashes: dict[str, str] = {}
        """The SHA-256 of each image by its id."""

    def run(self, source: Path) -> RestoredVotes:
        """Restore all votes of a folder.

        Raises:
            FolderTaken: somebody voted in this studio already.
            UnreadableData: it is no export of this form, or a row of it is damaged.
            CopyingStopped: `cancelled` was set.
        """
        require_no_votes(self._store.opening.database.read(GIVEN))
        models = read_models(source)
        with open_parquet(full_files(source)) as files:
            if not is_full(set(files.columns)):
                raise not_ours(source)
            self._write_images(files)

            def insert(cursor: Cursor) -> RestoredVotes:
                # Again, since somebody may have voted meanwhile.
                require_no_votes(cursor.execute(GIVEN).fetchall())
                tables = RestoredTables(cursor, self._hashes, self._clock())
                tables.add_models(models)
                of_sources = 0
                for votes, others in self._pages(files):
                    tables.add(votes)
                    of_sources += others
                return RestoredVotes(*tables.finish(), len(self._hashes), of_sources)

            try:
                return self._store.votes.take_in(insert)
            except duckdb.ConstraintException as error:
                raise UnreadableData(
                    f"{source.name} holds two votes of one annotator on one pair, or two images "
                    "under one id, so nothing was restored. Export it again."
                ) from error
            except (duckdb.DataError, OverflowError) as error:
                raise UnreadableData(
                    f"{source.name} holds numbers that no studio can hold, so nothing was "
                    "restored. Export it again."
                ) from error

    def _write_images(self, files: ParquetFiles) -> None:
        """Write the images of all rows that were given in the studio itself."""
        done = 0
        for number, path in enumerate(files.paths):
            for batch in files.batches(number, [*IMAGES, "source"]):
                for row, *cells, source in batch:
                    if not source:
                        self._write_row(path, row, cells)
                done += len(batch)
                self._go_on(done, 2 * files.rows)

    def _write_row(self, path: Path, row: int, cells: Sequence[Any]) -> None:
        """Write the images of one row."""
        images = [cells[:4], cells[4:8]]
        for image in cells[8] or ():
            images.append([image[name] for name in ("uid", "bytes", "width", "height")])
        try:
            for uid, content, width, height in images:
                require_id(uid)
                require_png(content, width, height)
                sha256 = self._store.imported_images.write_image(content)
                same = self._hashes.setdefault(uid, sha256) == sha256
                require(same, f"the image {uid!r} is another one before")
        except NotOurs as error:
            raise at_row(error, path.name, row) from error

    def _pages(self, files: ParquetFiles) -> Iterator[tuple[list[RestoredVote], int]]:
        """Yield the votes of the rows, some at a time, and how many rows are of sources."""
        done = 0
        more = [f"more_images[{place}].{name}" for place in (0, 1) for name in MORE]
        for number, path in enumerate(files.paths):
            page: list[RestoredVote] = []
            others = 0
            for batch in files.batches(number, [*PLAIN, *more]):
                for row, *cells in batch:
                    values = dict(zip(PLAIN, cells, strict=False))
                    if values["source"]:
                        others += 1
                        continue
                    try:
                        page.append(restored_vote(values, images_after(cells[len(PLAIN) :])))
                    except NotOurs as error:
                        raise at_row(error, path.name, row) from error
                done += len(batch)
                self._go_on(files.rows + done, 2 * files.rows)
                if len(page) >= PAGE:
                    yield page, others
                    page, others = [], 0
            yield page, others

    def _go_on(self, done: int, of: int) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise CopyingStopped("Restoring the votes was stopped. No vote was recorded.")
        self._progress(done, of)


MORE = ("uid", "width", "height", "recipe")


def images_after(cells: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the images after the second, from their cells without the bytes."""
    images = [dict(zip(MORE, cells[n : n + len(MORE)], strict=True)) for n in (0, len(MORE))]
    return [image for image in images if image["uid"] is not None]


def require_no_votes(counted: Sequence[Sequence[int]]) -> None:
    """Raise FolderTaken if there is a vote or a ranking, undone ones too."""
    if counted[0][0]:
        raise FolderTaken(
            "This studio has votes already, so nothing was restored: an export is restored into an "
            "empty studio alone. Bring the folder in as a source, or merge the two studios."
        )


def full_files(source: Path) -> list[Path]:
    """Return the files of the configuration `full` of an export; raises UnreadableData."""
    folder = source / FULL if (source / FULL).is_dir() else source
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if not files:
        raise not_ours(source)
    of = {name.stem.rpartition("-of-")[2] for name in files}
    if of != {f"{len(files):05d}"}:
        raise UnreadableData(
            f"{folder} holds {len(files)} files, and their names tell of another number, so one is "
            "missing or too many. Copy the whole folder again."
        )
    return files


def not_ours(source: Path) -> UnreadableData:
    """Return the error for a folder that is no export of this form."""
    return UnreadableData(
        f"{source} is no export of Palate's own Parquet with its folder {FULL!r}, so no studio can "
        "be restored from it. Bring it in as a source instead."
    )


def read_models(source: Path) -> list[ModelFacts]:
    """Return what an export says of its models; nothing where that file is gone or is none."""
    path = source / FACTS
    if not path.is_file() or path.stat().st_size > MOST_FACTS:
        return []
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return [model_facts(model) for model in facts["models"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def model_facts(model: Any) -> ModelFacts:
    """Return what an export says of one model; raises what wrong values lead to."""
    aliases = tuple((str(alias), bool(own)) for alias, own in model["aliases"])
    versions = tuple(
        (int(number), None if parent is None else int(parent))
        for number, parent in model["versions"]
    )
    return ModelFacts(str(model["base"]), aliases, versions)
