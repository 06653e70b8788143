"""Disk usage of a studio folder, and the clean-up of files that are not needed any more.

checkpoints   from which a done run could resume; it is done
caches        latents, embeddings and errors that runs share; computed again when they are gone
images        rendered more than a day ago, and in no pair, vote, snapshot or comparison
deleted       leftovers of deleted versions, and of imports and exports that failed
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.database import Cursor, Database
from storage.disk.orphans import OrphanImages, find_orphans, forget_orphans
from storage.disk.run_files import removable_files
from storage.errors import UnknownKind
from storage.file_sizes import FreedSpace, freed_by, remove, walk
from storage.records import DiskUsage, Version, new_id
from storage.studio_folder import StudioFolder
from storage.tables.version_labels import files_of
from storage.tables.versions import Versions
from storage.timestamps import Clock

KINDS = ("images", "snapshots", "versions", "runs", "checkpoints", "caches", "exports", "rest")
"""In this order: a file with names in two of them belongs to the first."""
KIND_OF_FOLDER = {
    "cache": "caches",
    "imports": "versions",
    "loras": "versions",
    "runs": "runs",
    # Parquet files with images in their cells.
    "sources": "images",
}
IMAGE = re.compile(r"([0-9a-f]{64})\.(png|jpg|webp)")
YOUNG = timedelta(days=1)
"""A file this new may be about to get its row, or be on somebody's page."""
MOST_NAMES = 200
"""File names that are listed before a clean-up."""
IMAGE_FILES = """
SELECT sha256 || '.png' FROM images
UNION SELECT sha256 || suffix FROM source_images WHERE file IS NULL
"""
UNFINISHED = "SELECT count(*) FROM current_runs WHERE state IN ('queued', 'running')"


class DiskCleanup:
    """Measures the studio folder, and removes files that are safe to remove."""

    def __init__(
        self, database: Database, folder: StudioFolder, versions: Versions, clock: Clock
    ) -> None:
        self._database, self._folder = database, folder
        self._versions, self._clock = versions, clock
        self._finders: dict[str, Callable[[], Iterable[Path]]] = {
            "checkpoints": self._checkpoints,
            "caches": self._caches,
            "images": self._images,
            "deleted": self._deleted,
        }

    def usage(self) -> list[DiskUsage]:
        """Return the disk usage of each kind of file, counting every file once."""
        files = [(KINDS.index(self._kind(file.path)), file) for file in walk(self._folder.path)]
        seen: set[tuple[int, int]] = set()
        sizes: dict[str, list[int]] = {kind: [] for kind in KINDS}
        for place, file in sorted(files, key=lambda found: found[0]):
            if file.node not in seen:
                seen.add(file.node)
                sizes[KINDS[place]].append(file.bytes)
        return [DiskUsage(kind, sum(each), len(each)) for kind, each in sizes.items()]

    def removable(self, kind: str) -> DiskUsage:
        """Return what a clean-up of this kind would remove and free; raises UnknownKind."""
        files = [file for path in self._finder(kind)() for file in walk(path)]
        freed = freed_by(files)
        names = (self._folder.shorten(file.path) for file in files[:MOST_NAMES])
        return DiskUsage(kind, freed.bytes, freed.files, tuple(names))

    def remove(self, kind: str) -> DiskUsage:
        """Clean up one kind of file and return what that freed; raises UnknownKind.

        The files are looked up anew: what was listed to a person may be needed by now.
        """
        find = self._finder(kind)
        if kind == "images":
            freed = self._remove_images()
        elif kind == "caches":
            freed = self._remove_caches()
        else:
            freed = remove(find())
        return DiskUsage(kind, freed.bytes, freed.files)

    def remove_run(self, run_id: str) -> DiskUsage:
        """Remove the files of a run that has ended, and return what that freed.

        What the version that it made needs stays, unless that is deleted.
        """
        freed = remove(removable_files(self._folder, run_id, self._known_versions()))
        return DiskUsage("runs", freed.bytes, freed.files)

    def _known_versions(self) -> list[Version]:
        """Return the versions of all models, deleted ones included."""
        bases = self._database.read("SELECT DISTINCT base FROM versions")
        return [known for (base,) in bases for known in self._versions.with_deleted(base)]

    def _finder(self, kind: str) -> Callable[[], Iterable[Path]]:
        if kind not in self._finders:
            known = ", ".join(self._finders)
            raise UnknownKind(f"{kind!r} cannot be cleaned up. Choose one of {known}.")
        return self._finders[kind]

    def _kind(self, path: Path) -> str:
        parts = path.relative_to(self._folder.path).parts
        if parts[0] in ("images", "snapshots", "exports"):
            return parts[0]
        if parts[0] == "runs" and len(parts) > 2:
            within = {"checkpoint": "checkpoints", "cache": "caches"}
            return within.get(parts[2], "versions" if parts[2] == "adapter.safetensors" else "runs")
        return KIND_OF_FOLDER.get(parts[0], "rest")

    def _checkpoints(self) -> Iterator[Path]:
        done = self._database.read("SELECT run_id FROM current_runs WHERE state = 'done'")
        for (run_id,) in done:
            yield self._folder.runs / run_id / "checkpoint"

    def _caches(self) -> Iterator[Path]:
        if self._database.read(UNFINISHED)[0][0]:
            return
        yield self._folder.cache
        yield from sorted(self._folder.runs.glob("*/cache"))

    def _remove_caches(self) -> FreedSpace:
        """Move the caches aside while no run can be queued, then remove them.

        The move is the `then` of a write, so no run is recorded in between; the removal of
        gigabytes holds up nobody.
        """
        aside = self._folder.path / f".cleanup-{new_id()}"

        def idle(cursor: Cursor) -> bool:
            return not cursor.execute(UNFINISHED).fetchall()[0][0]

        def move(is_idle: bool) -> None:
            for number, folder in enumerate(self._caches() if is_idle else ()):
                aside.mkdir(exist_ok=True)
                with suppress(OSError):
                    os.replace(folder, aside / str(number))

        self._database.write(idle, move)
        return remove([aside])

    def _images(self) -> Iterator[Path]:
        orphans = self._database.write(lambda cursor: find_orphans(cursor, self._long_ago))
        yield from self._files_of(orphans)
        yield from self._strays()

    def _remove_images(self) -> FreedSpace:
        freed: list[FreedSpace] = []
        self._database.write(
            lambda cursor: forget_orphans(cursor, self._long_ago),
            # Before any other write, so that nobody stores an image whose file then goes.
            lambda orphans: freed.append(remove(self._files_of(orphans))),
        )
        freed.append(remove(self._strays()))
        return FreedSpace(sum(each.bytes for each in freed), sum(each.files for each in freed))

    def _files_of(self, orphans: OrphanImages) -> Iterator[Path]:
        return map(self._folder.image, sorted(orphans.hashes))

    def _strays(self) -> Iterator[Path]:
        """Return old files that no row names: a kill may leave an image before its row."""
        known = {name for (name,) in self._database.read(IMAGE_FILES)}
        for file in walk(self._folder.images):
            is_image = IMAGE.fullmatch(file.path.name)
            if is_image and file.path.name not in known and self._is_old(file.changed):
                yield file.path

    def _deleted(self) -> Iterator[Path]:
        versions = self._known_versions()
        kept = {version.adapter for version in versions if version.deleted is None}
        gone = (version for version in versions if version.deleted is not None)
        for path in (path for version in gone for path in files_of(self._folder, version)):
            if path not in kept:
                yield path

        yield from self._folder.path.glob(".cleanup-*")
        yield from filter(self._is_old_folder, self._folder.exports.glob("*/.*"))
        recorded = {version.adapter for version in versions}
        for file in walk(self._folder.imports):
            if file.path not in recorded and self._is_old(file.changed):
                yield file.path

    def _is_old_folder(self, path: Path) -> bool:
        with suppress(OSError):
            return self._is_old(path.stat().st_mtime)
        return False

    @property
    def _long_ago(self) -> datetime:
        return self._clock() - YOUNG

    def _is_old(self, changed: float) -> bool:
        return datetime.fromtimestamp(changed, UTC).replace(tzinfo=None) < self._long_ago
