"""Import of a source: the votes of foreign files, whole or not at all.

    sources         a row, so that everything after it has an owner
    sources/ID/     files that are taken into the studio
    source_images, images/, source_votes    a batch at a time: rows, files, rows
    source_changes  'complete', with the counts: only now is it a source

A row names each image file before it is written. What a kill, a stop or an error leaves is found by
its rows therefore, and removed by `clear_source`, at once or at the next opening.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from storage.database import Cursor, Database
from storage.errors import ImportStopped, NothingInFiles, StorageError
from storage.layouts.foreign_votes import ForeignVote, RowLeftOut
from storage.sources.source_batches import Batches
from storage.sources.source_cleanup import clear_source
from storage.sources.source_files import Taken, digests_of, place_files, without_known
from storage.sources.source_records import Source, SourceCounts, SourceFacts
from storage.sources.stored_sources import all_sources, free_name
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock

Progress: TypeAlias = Callable[[int, int], None]
ReadVotes: TypeAlias = Callable[[Sequence[Path]], Iterable[ForeignVote | RowLeftOut]]
"""Reads files, in the order in which they are given, and yields their votes row by row."""
PROGRESS_ROWS = 100


@dataclass(frozen=True)
class NewSource:
    """Files that are to become a source."""

    base: str
    name: str
    """Another number follows it if a source has this name already."""
    layout: str
    files: Sequence[Path]
    read: ReadVotes
    who: str
    mapping: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    """Rows of all files, for the progress; 0 if nobody knows."""
    taken: Taken = "stay"
    """What becomes of Parquet files, in whose cells the images stay."""


@dataclass(frozen=True)
class ImportedSource:
    """A source that came in, and files that were left out, as they came in before."""

    source: Source
    known: dict[str, str] = field(default_factory=dict)
    """The source that has each file already, by the file's name."""


class SourceImport:
    """Brings sources in, one at a time, while people vote."""

    def __init__(self, database: Database, folder: StudioFolder, clock: Clock) -> None:
        self._database, self._folder, self._clock = database, folder, clock
        self._one_at_a_time = threading.Lock()

    def bring_in(
        self, new: NewSource, progress: Progress, cancelled: threading.Event
    ) -> ImportedSource:
        """Bring files in as a source.

        Raises SourceKnown if all of them came in before, NothingInFiles if no row gives a vote,
        ImportStopped, DiskFull, or what `read` raises. Then nothing of it is left.
        """
        with self._one_at_a_time:
            digests = digests_of(new.files, lambda: check(cancelled))
            digests, known = without_known(digests, all_sources(self._database, new.base))

            source_id = self._database.write(lambda cursor: self._record(cursor, new))
            try:
                self._take(source_id, new, digests, progress, cancelled)
            except BaseException:
                # If that fails too, the next opening does it.
                with suppress(StorageError):
                    clear_source(self._database, self._folder, source_id, keep_record=False)
                raise
        sources = all_sources(self._database, new.base)
        return ImportedSource(next(s for s in sources if s.source_id == source_id), known)

    def _record(self, cursor: Cursor, new: NewSource) -> int:
        row = [new.base, new.name, new.layout, "{}", new.who, self._clock()]
        return int(
            cursor.execute(
                "INSERT INTO sources (base, name, layout, facts, who, created) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING source_id",
                row,
            ).fetchall()[0][0]
        )

    def _take(
        self,
        source_id: int,
        new: NewSource,
        digests: dict[Path, str],
        progress: Progress,
        cancelled: threading.Event,
    ) -> None:
        target = self._folder.sources / str(source_id)
        placed = place_files(target, self._folder, digests, new.taken, lambda: check(cancelled))
        batches = Batches(self._database, self._folder, source_id, list(placed))
        for item in new.read(list(placed)):
            check(cancelled)
            batches.take(item)
            if batches.seen % PROGRESS_ROWS == 0:
                progress(batches.seen, new.rows)
        batches.flush()

        if not batches.votes:
            raise NothingInFiles(nothing_in(new.files, batches.left_out))
        progress(batches.seen, batches.seen)
        facts: SourceFacts = {"files": list(placed.values()), "mapping": new.mapping}
        self._complete(source_id, new, facts, batches.counts())

    def _complete(
        self, source_id: int, new: NewSource, facts: SourceFacts, counts: SourceCounts
    ) -> None:
        """Make it a source: after this transaction it is one, before it was none."""
        sync_disk()
        counts["double"] = self._double(source_id, new.base)
        others = all_sources(self._database, new.base)

        def complete(cursor: Cursor) -> None:
            name = free_name(new.name, [other.name for other in others])
            cursor.execute(
                "UPDATE sources SET name = ?, facts = ? WHERE source_id = ?",
                [name, json.dumps(facts), source_id],
            )
            cursor.execute(
                "INSERT INTO source_changes (source_id, kind, value, who, created) "
                "VALUES (?, 'complete', ?, ?, ?)",
                [source_id, json.dumps(counts), new.who, self._clock()],
            )

        self._database.write(complete)

    def _double(self, source_id: int, base: str) -> dict[str, int]:
        """Count the votes of a source that other sources have as well, by their names."""
        rows = self._database.read(DOUBLE, {"id": source_id, "base": base})
        return {str(name): int(votes) for name, votes in rows}


DOUBLE = """
WITH mine AS (SELECT DISTINCT digest FROM source_votes WHERE source_id = $id)
SELECT name, count(DISTINCT digest) FROM source_votes AS theirs
JOIN mine USING (digest) JOIN current_sources USING (source_id)
WHERE base = $base AND theirs.source_id <> $id GROUP BY name ORDER BY name
"""


def check(cancelled: threading.Event) -> None:
    """Raise ImportStopped if somebody stopped the import."""
    if cancelled.is_set():
        raise ImportStopped("The import was stopped. Nothing of it is in the studio.")


def nothing_in(files: Sequence[Path], left_out: Counter[str]) -> str:
    """Return the sentence about files without a vote that can be used."""
    names = ", ".join(path.name for path in files[:3]) + (", ..." if len(files) > 3 else "")
    if not left_out:
        return f"There is no row in {names}, so nothing came in."
    why = ", ".join(f"{reason} ({rows:,})" for reason, rows in left_out.most_common(3))
    return f"No row of {names} gives a vote, so nothing came in: {why}."


def sync_disk() -> None:
    """Wait until everything that was written is on the disk; Windows has no way to."""
    if hasattr(os, "sync"):
        os.sync()
