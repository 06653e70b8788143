"""Sources of a studio: listed, renamed, weighed, left out of runs, and removed as one."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from align.contracts.image_references import REFERENCES
from align.contracts.snapshot_files import MANIFEST, SnapshotManifest
from storage.database import Cursor, Database, Row
from storage.errors import InvalidSource, SourceInUse, SourceKnown
from storage.sources.settled_sources import file_faults
from storage.sources.source_cleanup import clear_source, sweep_sources
from storage.sources.source_import import (
    ImportedSource,
    NewSource,
    Progress,
    ReadVotes,
    SourceImport,
)
from storage.sources.source_preview import SourcePreview, preview_source
from storage.sources.source_records import Source
from storage.sources.stored_sources import all_sources, chosen_sources
from storage.studio_folder import StudioFolder
from storage.text import has_controls
from storage.timestamps import Clock

LONGEST_NAME = 100
UNFINISHED_RUNS = """
SELECT run_id, snapshot_id FROM current_runs WHERE base = ? AND state IN ('queued', 'running')
"""

# A model that turns out to be another one brings its sources along, without a change of them.
NEWEST_CHANGE = """
SELECT count(*), max(source_change_id), (SELECT count(*) FROM sources WHERE base = ?)
FROM source_changes
"""
LOST = """
WITH lost AS (
    SELECT image FROM source_images
    WHERE source_id = $id AND list_contains($files::INTEGER[], file)
), shown AS (
    SELECT rowid AS vote, kind, unnest(images) AS image FROM source_votes WHERE source_id = $id
)
SELECT kind, count(DISTINCT vote) FROM shown SEMI JOIN lost USING (image) GROUP BY kind
"""


class Sources:
    """All sources of a studio; safe to share between threads."""

    def __init__(self, database: Database, folder: StudioFolder, clock: Clock) -> None:
        """Finish first what a kill interrupted: the studio is just being opened."""
        self._database, self._folder, self._clock = database, folder, clock
        sweep_sources(database, folder)
        self._known: dict[str, tuple[Row, list[Source]]] = {}
        """The sources of a model, with the newest change that they have."""
        self._lost: dict[tuple[int, ...], Mapping[str, int]] = {}
        """Votes that were counted, by source and its files at fault: a page asks every 2 s."""
        self._import = SourceImport(database, folder, clock)

    def bring_in(
        self,
        new: NewSource,
        progress: Progress = lambda done, of: None,
        cancelled: threading.Event | None = None,
    ) -> ImportedSource:
        """Bring files in as a source, whole or not at all; people vote meanwhile.

        Raises SourceKnown if all of them came in before, NothingInFiles if no row gives a vote,
        InvalidSource, ImportStopped or DiskFull.
        """
        checked_name(new.name)
        return self._import.bring_in(new, progress, cancelled or threading.Event())

    def preview(
        self,
        base: str,
        files: Sequence[Path],
        read: ReadVotes,
        cancelled: threading.Event | None = None,
    ) -> SourcePreview:
        """Return what would come in of files, by their first rows, without bringing it in.

        Raises ImportStopped, or what `read` raises.
        """
        return preview_source(self._database, base, files, read, cancelled)

    def all(self, base: str) -> list[Source]:
        """Return a model's sources, oldest first."""
        # Every page asks every few seconds, and nearly always nothing has changed.
        newest = self._database.read(NEWEST_CHANGE, [base])[0]
        known = self._known.get(base)
        if known is None or known[0] != newest:
            known = self._known[base] = (newest, all_sources(self._database, base))
        return list(known[1])

    def get(self, base: str, name: str) -> Source:
        """Return a source by its name; raises UnknownSource."""
        return chosen_sources(self._database, base, [name])[0]

    def chosen(self, base: str, names: Sequence[str] | None) -> list[Source]:
        """Return the sources of these names, or with None all in use; raises UnknownSource."""
        return chosen_sources(self._database, base, names)

    def decisive(self, base: str, names: Sequence[str] | None) -> int:
        """Count the votes of sources that say which image is better."""
        return sum(source.decisive for source in self.chosen(base, names))

    def faults(self, source: Source) -> Mapping[str, str]:
        """Return the Parquet files of a source whose images cannot be read now, with the reason."""
        if not self._refers(source):
            return {}
        faults = file_faults(self._folder, source)
        return {self._folder.shorten(path): why for path, why in faults.items()}

    def lost(self, source: Source) -> Mapping[str, int]:
        """Count the votes of a source, by kind, whose images are in files that are at fault."""
        faults, files = self.faults(source), source.facts.get("files", [])
        indexes = [index for index, file in enumerate(files) if file["path"] in faults]
        if not indexes:
            return {}
        key = (source.source_id, *indexes)
        if key not in self._lost:
            rows = self._database.read(LOST, {"id": source.source_id, "files": indexes})
            self._lost[key] = dict(rows)
        return self._lost[key]

    def rename(self, base: str, name: str, new_name: str, who: str) -> Source:
        """Give a source another name; raises UnknownSource, InvalidSource or SourceKnown."""
        source, new_name = self.get(base, name), checked_name(new_name)
        for other in self.all(base):
            if other.source_id != source.source_id and same(other.name, new_name):
                raise SourceKnown(f"Another source is called {other.name!r}. Choose another name.")
        self._change(source, "name", new_name, who)
        return self.get(base, new_name)

    def weigh(self, base: str, name: str, weight: float, who: str) -> Source:
        """Set what a vote of a source counts beside one given here, above 0 and up to 1.

        Raises UnknownSource or InvalidSource.
        """
        source = self.get(base, name)
        if not 0 < weight <= 1:
            raise InvalidSource(
                f"{weight:g} is no weight of a source. Choose one above 0 and up to 1, or leave "
                "the source out of runs."
            )
        self._change(source, "weight", repr(float(weight)), who)
        return self.get(base, name)

    def use(self, base: str, name: str, used: bool, who: str) -> Source:
        """Let runs take the votes of a source, or leave them out; raises UnknownSource."""
        self._change(self.get(base, name), "used", "true" if used else "false", who)
        return self.get(base, name)

    def remove(self, base: str, name: str, who: str) -> Source:
        """Remove a source with its votes, and with the image files that nothing else needs.

        Snapshots that were written from it stay. Raises UnknownSource, or SourceInUse while a run
        may read its images.
        """
        source = self.get(base, name)

        def remove(cursor: Cursor) -> None:
            for run_id, snapshot_id in cursor.execute(UNFINISHED_RUNS, [base]).fetchall():
                if self._reads(snapshot_id, source):
                    raise SourceInUse(
                        f"The source {source.name!r} was not removed: the run {run_id}, which has "
                        "not ended, reads its images. Stop the run, or wait for its end."
                    )
            self._insert(cursor, source, "removed", "true", who)

        self._database.write(remove)
        clear_source(self._database, self._folder, source.source_id, keep_record=True)
        return source

    def _reads(self, snapshot_id: str, source: Source) -> bool:
        """Return whether a snapshot refers to images that go with a source."""
        snapshot = self._folder.snapshots / snapshot_id
        manifest = read_manifest(snapshot / MANIFEST)
        if source.name not in manifest.get("sources", {}):
            return False
        # Parquet files that lie elsewhere stay there, and hard links need no original.
        has_files = (self._folder.sources / str(source.source_id)).exists()
        return (snapshot / REFERENCES).exists() and (has_files or not self._refers(source))

    def _refers(self, source: Source) -> bool:
        """Return True if images of a source are cells of its files."""
        return bool(
            self._database.read(
                "SELECT EXISTS (FROM source_images WHERE source_id = ? AND file IS NOT NULL)",
                [source.source_id],
            )[0][0]
        )

    def _change(self, source: Source, kind: str, value: str, who: str) -> None:
        self._database.write(lambda cursor: self._insert(cursor, source, kind, value, who))

    def _insert(self, cursor: Cursor, source: Source, kind: str, value: str, who: str) -> None:
        cursor.execute(
            "INSERT INTO source_changes (source_id, kind, value, who, created) "
            "VALUES (?, ?, ?, ?, ?)",
            [source.source_id, kind, value, who, self._clock()],
        )


def read_manifest(path: Path) -> SnapshotManifest | dict[str, Any]:
    """Return the manifest of a snapshot; an empty one where the file is gone."""
    try:
        manifest: SnapshotManifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest


def checked_name(name: str) -> str:
    """Return a name that a source can have, without spaces around it; raises InvalidSource."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or has_controls(name):
        raise InvalidSource(
            f"{name[:80]!r} cannot be the name of a source. Use plain text of 1 to "
            f"{LONGEST_NAME} characters."
        )
    return name


def same(one: str, other: str) -> bool:
    """Return True for names that differ in capitals alone."""
    return one.casefold() == other.casefold()
