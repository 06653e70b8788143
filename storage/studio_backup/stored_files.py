"""Stored files of a backup: bytes under their SHA-256, written once, read back, never again."""

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from storage.backup.copies import sync
from storage.errors import DiskFull
from storage.studio_backup.manifest import BackupFile
from storage.studio_backup.studio_files import named_by_its_hash

BLOCK = 1 << 20

Progress = Callable[[int, int], None]


def untold(done: int, of: int) -> None:
    """Tell nobody how far it is."""


@dataclass
class StoredFiles:
    """The files of a backup's folder, and what this backup added to them."""

    target: Path
    scratch: Path
    """A folder on the same disk, for files that are being written."""
    check: bool = False
    """Read what is stored already before it counts."""
    added: list[Path] = field(default_factory=list)
    bytes: int = 0
    """Bytes that were added."""
    linked: int = 0
    """Files that share their bytes with the studio, since both are on one disk."""

    def holds(self, file: BackupFile) -> bool:
        """Return True if a file is stored already: one of its size, or with `check` its bytes."""
        place = self.target / file.stored
        with suppress(OSError):
            same = place.stat().st_size == file.bytes
            return same and (not self.check or digest_of(place) == file.sha256)
        return False

    def take(self, source: Path, path: str) -> BackupFile:
        """Store a file of a studio, and return how the manifest names it.

        Raises OSError where it went away meanwhile, or DiskFull.
        """
        changed = source.stat().st_mtime_ns
        if (sha256 := named_by_its_hash(path)) and self._linked(source, path, sha256):
            return BackupFile(path, sha256, source.stat().st_size, changed)
        return self.copy(source, path, changed)

    def copy(self, source: Path, path: str, changed: int) -> BackupFile:
        """Store a copy of a file, read back and compared."""
        scratch = self.scratch / "file"
        with source.open("rb") as original:
            try:
                digest, size = copy_and_hash(original, scratch)
                file = BackupFile(path, digest, size, changed)
                if not self.holds(file):
                    self._keep(scratch, file)
            except OSError as error:
                raise not_written(self.target, error) from error
        return file

    def _linked(self, source: Path, path: str, sha256: str) -> bool:
        """Give an image of the studio a second name in the backup, if it is what its name says."""
        file = BackupFile(path, sha256, source.stat().st_size, 0)
        if self.holds(file):
            return True
        if digest_of(source) != sha256:
            return False
        place = self.target / file.stored
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            os.link(source, place)
            self.added.append(place)
            self.linked += 1
            return True
        return False

    def _keep(self, scratch: Path, file: BackupFile) -> None:
        if digest_of(scratch) != file.sha256:
            raise DiskFull(
                f"{self.target} does not give back what was written to it. Its disk may be "
                "failing. Nothing was backed up; choose another disk."
            )
        place = self.target / file.stored
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, place)
        self.added.append(place)
        self.bytes += file.bytes

    def bring_to_disk(self) -> None:
        """Wait until everything that was added is on the disk."""
        bring_to_disk(self.added)

    def undo(self) -> None:
        """Remove what was added."""
        for place in self.added:
            with suppress(OSError):
                place.unlink()


def copy_and_hash(original: BinaryIO, scratch: Path) -> tuple[str, int]:
    """Copy an open file, and return the SHA-256 and the number of the bytes that were copied."""
    digest, size = hashlib.sha256(), 0
    with scratch.open("wb") as copy:
        while block := original.read(BLOCK):
            digest.update(block)
            copy.write(block)
            size += len(block)
    return digest.hexdigest(), size


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bring_to_disk(files: Iterable[Path]) -> None:
    """Wait until files and their names are on the disk.

    Linux does it for all at once and returns when it is done; elsewhere each file is waited for.
    """
    if sys.platform == "linux":
        os.sync()
        return
    folders = set()
    for file in files:
        with suppress(FileNotFoundError):
            sync(file)
            folders.add(file.parent)
    for folder in folders:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where its file system can tell."""
    with suppress(OSError):
        sync(folder)


def room_for(target: Path, size: int) -> None:
    """Raise DiskFull where a disk has no room for so many bytes."""
    with suppress(OSError):
        free = shutil.disk_usage(target).free
        if size > free:
            raise DiskFull(
                f"{target} has {free / 1e6:,.0f} MB free, and {size / 1e6:,.0f} MB are needed. "
                "Free some space, or choose another disk."
            )


def not_written(target: Path, error: OSError) -> DiskFull:
    """Return the error for a folder that could not be written to."""
    full = " Free some space on its disk." if error.errno == errno.ENOSPC else ""
    return DiskFull(
        f"The backup to {target} failed: {reason_of(error)}. Nothing was backed up, and "
        f"backups from before are as they were.{full}"
    )


def not_restored(home: Path, error: OSError) -> DiskFull:
    """Return the error for a place that a studio could not be put in."""
    return DiskFull(
        f"The studio could not be put in {home}: {reason_of(error)}. What was there is as "
        "it was. Free some space, or name another folder."
    )


def reason_of(error: OSError) -> str:
    """Return what the system said, and of which file."""
    name = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{name}"
