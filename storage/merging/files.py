"""Files that come with the other studio's rows: images, adapters, what was imported, and runs.

Images, LoRAs and imports have names that stand for one content, so they are put in place before the
rows: without a row they are clutter that a clean-up finds. A run's folder has a number, which the
next run would take if its row never came. So which folders were put is written down first, and the
next start removes those without a row.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from storage.backup.copies import sync
from storage.backup.unfinished_merge import PLACED
from storage.errors import CopyingStopped, DiskFull
from storage.records import new_id
from storage.studio_backup.stored_files import (
    Progress,
    bring_to_disk,
    digest_of,
    reason_of,
    room_for,
)
from storage.studio_backup.studio_files import named_by_its_hash, studio_files

ONCE = ("images/", "imports/", "loras/")
"""Folders of files that are written once, under a name of their own."""


class MergedFiles:
    """Files of another studio on their way into a studio folder."""

    def __init__(
        self, home: Path, other: Path, scratch: Path, progress: Progress, cancelled: threading.Event
    ) -> None:
        self._home, self._other, self._scratch = home, other, scratch
        self._progress, self._cancelled = progress, cancelled
        self._put: list[Path] = []

    def bring(self, named: set[str], folders: Iterable[str]) -> int:
        """Put files in place that need no row, and folders beside; return the images that are gone.

        `named` are the hashes of images that rows name, `folders` those of runs and of sources.
        Raises DiskFull or CopyingStopped, and then nothing is left of them.
        """
        try:
            wanted = self._wanted(named, set(folders))
            if self._home.stat().st_dev != self._other.stat().st_dev:
                room_for(self._home, sum(size for *_, size in wanted))
            for number, (source, target, path, _) in enumerate(wanted):
                if self._cancelled.is_set():
                    raise CopyingStopped("The merge was stopped. Nothing was changed.")
                self._copy(source, target, path)
                self._progress(number + 1, len(wanted))
            bring_to_disk(self._put)
        except OSError as error:
            self.undo()
            raise DiskFull(
                f"The other studio's files could not be copied: {reason_of(error)}. Nothing was "
                "changed. Free some space, then merge again."
            ) from error
        except BaseException:
            self.undo()
            raise
        return sum(not self._is_there(sha256) for sha256 in named)

    def _wanted(self, named: set[str], folders: set[str]) -> list[tuple[Path, Path, str, int]]:
        """Return the files to copy: from where, to where, their paths there and their sizes."""
        wanted = []
        for path, file in studio_files(self._other):
            sha256 = named_by_its_hash(path)
            if "/".join(path.split("/")[:2]) in folders:
                wanted.append((file.path, self._scratch / path, path, file.bytes))
            elif path.startswith(ONCE) and (sha256 is None or sha256 in named):
                if not (target := self._home / path).exists():
                    wanted.append((file.path, target, path, file.bytes))
        return wanted

    def _copy(self, source: Path, target: Path, path: str) -> None:
        """Copy a file under a scratch name, and give it its own once it is whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        work = target.with_name(f".{new_id()}")
        try:
            sha256 = named_by_its_hash(path)
            if sha256 is not None:
                with suppress(OSError):
                    # Nobody writes to an image again, so a second name is as good as a copy.
                    os.link(source, work)
            if not work.exists():
                # With its time: a file of a source is known by it.
                shutil.copyfile(source, work)
                os.utime(work, ns=(source.stat().st_mtime_ns,) * 2)
            if sha256 is not None and digest_of(work) != sha256:
                return
            os.replace(work, target)
            self._put.append(target)
        finally:
            work.unlink(missing_ok=True)

    def _is_there(self, sha256: str) -> bool:
        return any((self._home / "images" / sha256[:2]).glob(f"{sha256}.*"))

    def place(self, folders: Mapping[str, str], snapshots: Mapping[str, str]) -> None:
        """Give folders of runs and sources their numbers here, right before the rows are committed.

        `folders` are paths below the studio there, each with the one here.
        """
        there = {old: new for old, new in folders.items() if (self._scratch / old).is_dir()}
        if not there:
            return
        write_placed(self._home, list(there.values()))
        for old, new in there.items():
            source, target = self._scratch / old, self._home / new
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                name_snapshot(source / "config.json", snapshots)
                os.replace(source, target)
                sync(target.parent)

    def undo(self) -> None:
        """Remove what was put in place."""
        for path in self._put:
            with suppress(OSError):
                path.unlink()


def write_placed(home: Path, folders: list[str]) -> None:
    """Write down the folders that are about to be put, durably."""
    scratch = home / ".placed.tmp"
    scratch.write_text(json.dumps({"folders": folders}), encoding="utf-8")
    sync(scratch)
    os.replace(scratch, home / PLACED)
    sync(home)


def name_snapshot(config: Path, snapshots: Mapping[str, str]) -> None:
    """Let a run's settings name its snapshot as it is called here."""
    with suppress(OSError, ValueError, AttributeError):
        document = json.loads(config.read_text(encoding="utf-8"))
        if document.get("snapshot_id") not in snapshots:
            return
        document["snapshot_id"] = snapshots[document["snapshot_id"]]
        config.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def highest_snapshot(home: Path) -> int:
    """Return the highest number of a snapshot's folder; a kill may have left one without a row."""
    names = (path.name[1:] for path in (home / "snapshots").glob("s[0-9]*"))
    return max((int(name) for name in names if name.isdecimal()), default=0)
