"""Back up a whole studio into a folder, while it runs; each file is stored once.

The database comes first, as of one moment, then the files: whatever its rows name is there by then,
because a studio writes a file before its row. The manifest comes last, and makes it a backup.
"""

import os
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from storage.backup.copies import sync
from storage.backup.inspection import Finding, ask, remove_scratch, scratch_folder
from storage.database import CONFIG, connect_with
from storage.errors import CopyingStopped, DamagedSource, StudioInUse
from storage.file_sizes import File
from storage.studio_backup.backup_target import ABOUT, README, prune, require_same, require_target
from storage.studio_backup.manifest import (
    TIME,
    BackupFacts,
    BackupFile,
    Manifest,
    manifests_in,
    read_manifest,
    readable,
    write_manifest,
)
from storage.studio_backup.moment import Gather, Moment
from storage.studio_backup.stored_files import (
    Progress,
    StoredFiles,
    not_written,
    room_for,
    sync_folder,
    untold,
)
from storage.studio_backup.studio_files import OPTIONAL, studio_files
from storage.timestamps import Clock, utc_now

JUST_NOW_NS = 2_000_000_000
"""A file that changed so shortly before may change again without another time."""
HAS_SOURCES = "SELECT 1 FROM duckdb_views() WHERE view_name = 'current_sources'"
REFERRED = """
SELECT DISTINCT json_extract_string(facts, '$.files[' || file || '].path') FROM current_sources
JOIN (SELECT DISTINCT source_id, file FROM source_images WHERE file IS NOT NULL) USING (source_id)
"""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, and what came new."""

    target: Path
    name: str
    as_of: datetime
    votes: int
    files: int
    bytes: int
    new_files: int
    new_bytes: int
    linked: int
    missing: int
    note: str = ""
    outside: tuple[Path, ...] = ()
    """Files that sources refer to, and that are not in it since they lie outside of the studio."""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a backup is told by the database in it."""

    studio: str
    models: list[str]
    images: set[str]
    """Hashes of all images that rows name."""
    outside: tuple[Path, ...]
    """Files outside of the studio in which images of sources are."""


def facts_of(database: Path) -> DatabaseFacts:
    """Read which studio a database is of, its models, and the images that its rows name."""
    connection = connect_with(database, CONFIG, read_only=True)
    try:
        first = connection.execute(
            "SELECT strftime(applied, '%Y-%m-%dT%H:%M:%S.%f') FROM schema_migrations "
            "ORDER BY number LIMIT 1"
        ).fetchall()
        models = connection.execute("SELECT DISTINCT base FROM versions ORDER BY base").fetchall()
        images = connection.execute("SELECT DISTINCT sha256 FROM images").fetchall()
        # A studio of an older Palate has no sources.
        is_new = connection.execute(HAS_SOURCES).fetchall()
        files = connection.execute(REFERRED).fetchall() if is_new else []
    finally:
        connection.close()
    return DatabaseFacts(
        first[0][0] if first else "",
        [base for (base,) in models],
        {each for (each,) in images},
        tuple(sorted(path for (name,) in files if (path := Path(name)).is_absolute())),
    )


@dataclass
class Backup:
    """One backup of a studio into one folder."""

    home: Path
    target: Path
    gather: Gather
    include: Collection[str] = ()
    """Of snapshots and checkpoints, what comes along too."""
    progress: Progress = untold
    cancelled: threading.Event = field(default_factory=threading.Event)
    clock: Clock = utc_now
    check: bool = False
    """Read what is stored already, too, and store again what is damaged."""

    def write(self) -> BackupReport:
        """Write the backup and return what it holds.

        Raises InvalidTarget, DiskFull, BrokenStudio, NoCopy or CopyingStopped; whatever it raises,
        backups from before are as they were.
        """
        self.home, self.target = self.home.absolute(), self.target.absolute()
        require_target(self.home, self.target)
        try:
            (self.target / "files").mkdir(parents=True, exist_ok=True)
            (self.target / "backups").mkdir(exist_ok=True)
            with FileLock(self.target / ".palate-lock", timeout=0):
                remove_scratch(self.target)
                with scratch_folder(self.target) as scratch:
                    return self._written(StoredFiles(self.target, scratch, self.check))
        except Timeout as error:
            raise StudioInUse(
                f"Another backup is being written to {self.target}. Wait for its end."
            ) from error
        except OSError as error:
            raise not_written(self.target, error) from error

    def _written(self, stored: StoredFiles) -> BackupReport:
        try:
            moment, finding = self._database(stored.scratch / "palate.duckdb")
            before = readable(self.target)
            known = facts_of(stored.scratch / "palate.duckdb")
            require_same(known.studio, before, self.target)
            files = self._files(stored, before)
            manifest = self._manifest(moment, finding, known, files, before)
            self._publish(stored, manifest)
        except BaseException:
            stored.undo()
            raise
        prune(self.target)
        return report_of(self.target, manifest, moment, stored, known.outside)

    def _database(self, gathered: Path) -> tuple[Moment, Finding]:
        """Gather the database as of one moment, read it through, and fold its log into it."""
        moment = self.gather(gathered)
        finding = ask("fold", gathered)
        if finding.problem is not None:
            raise DamagedSource(finding.problem)
        return moment, finding

    def _files(self, stored: StoredFiles, before: list[Manifest]) -> list[BackupFile]:
        """Store the files of the studio that are not stored yet, the database first."""
        gathered = stored.scratch / "palate.duckdb"
        files = [stored.copy(gathered, "palate.duckdb", gathered.stat().st_mtime_ns)]
        there = list(studio_files(self.home, self.include))
        known = {file.path: file for file in before[0].files} if before else {}
        since = int(self.clock().timestamp() * 1e9) - JUST_NOW_NS
        self._require_room(there, known)

        for number, (path, file) in enumerate(there):
            if self.cancelled.is_set():
                raise CopyingStopped(
                    "The backup was stopped. Backups from before are as they were."
                )
            same = known.get(path)
            # One that is gone since it was listed was deleted on purpose, or replaced at once.
            with suppress(FileNotFoundError):
                changed = file.path.stat().st_mtime_ns
                is_same = same and (same.bytes, same.changed) == (file.bytes, changed)
                if same and is_same and changed < since and stored.holds(same):
                    files.append(same)
                else:
                    files.append(stored.take(file.path, path))
            self.progress(number + 1, len(there))
        return files

    def _require_room(self, there: list[tuple[str, File]], known: dict[str, BackupFile]) -> None:
        """Raise DiskFull before anything is copied where it cannot fit, unless it is linked."""
        if self.home.stat().st_dev != self.target.stat().st_dev:
            room_for(self.target, sum(file.bytes for path, file in there if path not in known))

    def _manifest(
        self,
        moment: Moment,
        finding: Finding,
        known: DatabaseFacts,
        files: list[BackupFile],
        before: list[Manifest],
    ) -> Manifest:
        made = self.clock()
        if names := [path.stem for path in manifests_in(self.target)]:
            # Whatever the clock says now: the newest one must have the last name.
            newest = datetime.strptime(names[0], TIME)
            made = max(made, newest + timedelta(seconds=1))
        there = {file.path.split("/")[-1].split(".")[0] for file in files}
        facts = BackupFacts(
            studio=known.studio,
            made=made.isoformat(timespec="seconds"),
            as_of=moment.as_of.isoformat(timespec="seconds"),
            votes=finding.votes,
            acts=finding.acts,
            schema=finding.schema,
            models=known.models,
            without=sorted(set(OPTIONAL) - set(self.include)),
            missing=len(known.images - there),
            bytes=sum(file.bytes for file in files),
        )
        return Manifest(made.strftime(TIME), facts, tuple(files))

    def _publish(self, stored: StoredFiles, manifest: Manifest) -> None:
        """Give the backup its name once everything is on the disk."""
        (self.target / README).write_text(ABOUT.format(target=self.target.name), encoding="utf-8")
        stored.bring_to_disk()
        written = stored.scratch / "manifest"
        write_manifest(written, manifest)
        read_manifest(written)
        sync(written)
        os.replace(written, self.target / "backups" / f"{manifest.name}.jsonl")
        for folder in (self.target / "backups", self.target):
            sync_folder(folder)


def report_of(
    target: Path,
    manifest: Manifest,
    moment: Moment,
    stored: StoredFiles,
    outside: tuple[Path, ...],
) -> BackupReport:
    """Return what to tell of a backup."""
    return BackupReport(
        target=target,
        name=manifest.name,
        as_of=moment.as_of,
        votes=manifest.facts.votes,
        files=len(manifest.files),
        bytes=sum(file.bytes for file in manifest.files),
        new_files=len(stored.added),
        new_bytes=stored.bytes,
        linked=stored.linked,
        missing=manifest.facts.missing,
        note=moment.note,
        outside=outside,
    )
