"""Restore a studio from a backup: every file is compared, and the studio is put in place whole.

It is built beside the place under a hidden name, so that until the last rename the place is as it
was, and after it the studio is there with everything in it.
"""

import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from storage.backup.inspection import ask
from storage.errors import (
    CopyingStopped,
    DamagedBackup,
    FolderTaken,
    InvalidTarget,
    StudioInUse,
)
from storage.records import new_id
from storage.replacement import finish_replacement, take_place, waiting_for
from storage.studio_backup.manifest import (
    BackupFile,
    Manifest,
    manifests_in,
    read_manifest,
    readable,
)
from storage.studio_backup.stored_files import (
    Progress,
    bring_to_disk,
    copy_and_hash,
    digest_of,
    not_restored,
    room_for,
    untold,
)
from storage.studio_backup.studio_files import named_by_its_hash
from storage.studio_folder import StudioFolder
from storage.timestamps import Clock, utc_now

TOLD = 5
"""Damaged files that are named in a sentence."""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored, and what could not be."""

    home: Path
    backup: Manifest
    files: int
    damaged: tuple[str, ...] = ()
    """Files of the backup that were left out, being damaged or gone."""
    aside: Path | None = None
    """Where what was there before lies now."""


@dataclass
class Restore:
    """One restore of a backup into one folder."""

    source: Path
    home: Path
    name: str | None = None
    """Which backup of the folder; the newest by default."""
    replace: bool = False
    """Put what is in the place aside."""
    skip_damaged: bool = False
    """Restore what is sound, without what is damaged."""
    progress: Progress = untold
    cancelled: threading.Event = field(default_factory=threading.Event)
    clock: Clock = utc_now

    def write(self) -> RestoreReport:
        """Restore, and return what was restored.

        Raises InvalidTarget, FolderTaken, StudioInUse, DamagedBackup, DiskFull or CopyingStopped;
        whatever it raises, the place is as it was.
        """
        self.home = self.home.absolute()
        backup = chosen_backup(self.source, self.name)
        # Before a folder is made there.
        require_outside(self.home, self.source)
        lock = FileLock(self.home.with_name(f".palate-restore-{self.home.name}.lock"))
        try:
            self.home.parent.mkdir(parents=True, exist_ok=True)
            with lock.acquire(timeout=0):
                finish_replacement(self.home)
                self._require_place()
                self._remove_leftovers()
                return self._restored(backup)
        except Timeout as error:
            raise StudioInUse(
                f"{self.home} is being restored already. Wait for its end."
            ) from error
        except OSError as error:
            raise not_restored(self.home, error) from error
        finally:
            with suppress(OSError):
                Path(lock.lock_file).unlink(missing_ok=True)

    def _restored(self, backup: Manifest) -> RestoreReport:
        work = self.home.with_name(f"{self._prefix}{new_id()}")
        work.mkdir()
        try:
            damaged = self._files(backup, work)
            if damaged and not self.skip_damaged:
                raise damaged_files(self.source, backup, damaged)
            finding = ask("inspect", work / "palate.duckdb")
            if finding.problem is not None:
                raise DamagedBackup(f"The database of {backup} is damaged: {finding.problem}.")

            bring_to_disk(path for path in work.rglob("*") if path.is_file())
            aside = self._aside() if self._is_taken() else None
            take_place(work, self.home, aside)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        files = len(backup.files) - len(damaged)
        return RestoreReport(self.home, backup, files, tuple(damaged), aside)

    def _files(self, backup: Manifest, work: Path) -> list[str]:
        """Copy the files of a backup into a folder; return those that are damaged or gone."""
        if self.source.stat().st_dev != work.stat().st_dev:
            room_for(work.parent, sum(file.bytes for file in backup.files))
        damaged = []
        for number, file in enumerate(backup.files):
            if self.cancelled.is_set():
                raise CopyingStopped(f"The restore was stopped. {self.home} is as it was.")
            place = work / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not put_back(self.source / file.stored, place, file):
                place.unlink(missing_ok=True)
                damaged.append(file.path)
            self.progress(number + 1, len(backup.files))
        return damaged

    @property
    def _prefix(self) -> str:
        return f".palate-restoring-{self.home.name}-"

    def _require_place(self) -> None:
        """Raise FolderTaken, InvalidTarget or StudioInUse where the studio cannot be put."""
        if self.home.exists() and not self.home.is_dir():
            raise InvalidTarget(f"{self.home} is a file. Name an empty folder, or a new one.")
        if self.home.is_symlink() or self.home.is_mount():
            raise InvalidTarget(
                f"{self.home} is a link or a disk of its own, which nothing can take the place of. "
                "Name a folder in it."
            )
        if self.source.resolve().is_relative_to(self.home.resolve()):
            raise InvalidTarget(f"The backup lies in {self.home} itself. Name another folder.")
        if not self._is_taken():
            return
        if not self.replace:
            raise FolderTaken(
                f"{self.home} has something in it, and nothing was changed. Name an empty folder "
                "or a new one. --replace puts what is there aside, under a dated name beside it."
            )
        if (self.home / "palate.lock").exists():
            # An app that runs would write on into the folder that was put aside.
            StudioFolder(self.home).release()

    def _is_taken(self) -> bool:
        return self.home.is_dir() and any(self.home.iterdir())

    def _aside(self) -> Path:
        """Return a free name beside the place for what is there now."""
        dated = f"{self.home.name}.before-{self.clock():%Y-%m-%dT%H%M%SZ}"
        names = (dated if number == 1 else f"{dated}-{number}" for number in range(1, 1000))
        return next(
            aside for name in names if not os.path.lexists(aside := self.home.with_name(name))
        )

    def _remove_leftovers(self) -> None:
        """Remove what restores that were killed left; what was in the place is never among it."""
        for left in self.home.parent.glob(f"{self._prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        # What was on its way to its place is there by now; this one never left.
        shutil.rmtree(waiting_for(self.home), ignore_errors=True)


def require_outside(home: Path, source: Path) -> None:
    """Raise InvalidTarget for a place in the folder of backups or in another studio."""
    if home.resolve().is_relative_to(source.resolve()):
        raise InvalidTarget(
            f"{home} lies among the backups in {source}, where only backups go. Name another "
            "folder."
        )
    for folder in home.resolve().parents:
        if (folder / "palate.duckdb").is_file():
            raise InvalidTarget(
                f"{home} lies in the studio {folder}, and would be a part of it. Name another "
                "folder."
            )


def put_back(stored: Path, place: Path, file: BackupFile) -> bool:
    """Put a stored file in its place; return False if it is not what the backup says.

    An image of the studio gets a second name where the disk allows that, since nobody writes to it;
    any other file is a copy.
    """
    try:
        if stored.stat().st_size != file.bytes:
            return False
        if named_by_its_hash(file.path) == file.sha256:
            with suppress(OSError):
                os.link(stored, place)
                return digest_of(place) == file.sha256
        original = stored.open("rb")
    except OSError:
        return False
    with original:
        digest, _ = copy_and_hash(original, place)
    os.utime(place, ns=(file.changed, file.changed))
    return digest == file.sha256 == digest_of(place)


def chosen_backup(source: Path, name: str | None) -> Manifest:
    """Return the backup of a name, or the newest; raises InvalidTarget or DamagedBackup."""
    there = manifests_in(source)
    if not there:
        raise InvalidTarget(
            f"{source} holds no backup of a studio. Name the folder that was backed up to."
        )
    chosen = next((path for path in there if name in (None, path.stem)), None)
    if chosen is None:
        raise InvalidTarget(
            f"{source} has no backup {name!r}. There are {', '.join(path.stem for path in there)}."
        )
    try:
        return read_manifest(chosen)
    except DamagedBackup as error:
        raise DamagedBackup(
            f"{error}. Nothing was changed. {offer(source, chosen.stem)}"
        ) from error


def damaged_files(source: Path, backup: Manifest, damaged: list[str]) -> DamagedBackup:
    """Return the error that names the damaged files of a backup and what can be restored."""
    named = ", ".join(damaged[:TOLD])
    more = f" and {len(damaged) - TOLD:,} more" if len(damaged) > TOLD else ""
    count = "1 file" if len(damaged) == 1 else f"{len(damaged):,} files"
    if "palate.duckdb" in damaged:
        rest = "The database is among them, so this backup cannot be used."
    else:
        rest = (
            f"The other {len(backup.files) - len(damaged):,} are sound: --skip-damaged restores "
            "them, with the database and every vote in it."
        )
    return DamagedBackup(
        f"In {source}, {count} of the backup {backup} are damaged or gone: {named}{more}. Nothing "
        f"was changed. {rest} {offer(source, backup.name)}"
    )


def offer(source: Path, name: str) -> str:
    """Return the sentence about the other backups in a folder."""
    others = [str(each) for each in readable(source) if each.name != name]
    if not others:
        return "There is no other backup in that folder."
    return f"Other backups there, for --of: {'; '.join(others)}."


def check_backup(source: Path, progress: Progress = untold) -> dict[str, list[str]]:
    """Read every backup of a folder to its end; return the damaged files of each by its name."""
    sound: dict[str, bool] = {}
    found: dict[str, list[str]] = {}
    paths = manifests_in(source)
    for number, path in enumerate(paths):
        try:
            backup = read_manifest(path)
        except DamagedBackup:
            found[path.stem] = [f"backups/{path.name}"]
            continue
        for file in backup.files:
            if file.stored not in sound:
                sound[file.stored] = is_sound(source / file.stored, file)
        found[path.stem] = [file.path for file in backup.files if not sound[file.stored]]
        progress(number + 1, len(paths))
    return found


def is_sound(stored: Path, file: BackupFile) -> bool:
    """Return True if a stored file is what the backup says."""
    try:
        return stored.stat().st_size == file.bytes and digest_of(stored) == file.sha256
    except OSError:
        return False
