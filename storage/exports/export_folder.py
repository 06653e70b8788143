"""Export folders: written under a scratch name, read back, and only then given their own name.

    with export_folder(target, folder, facts) as work:
        ...                     write into the folder `work`, then read it back and compare

    <parent>/.0123456789abcdef/new      the folder that is being written, beside its target
    <parent>/.0123456789abcdef/before   the export that stood there, for the moment of the exchange
    <studio>/exports/.writing-*.json    names both, so that the next start clears what a kill left
    <target>/.palate-export.json        says that an export is one, and which files it wrote

Whoever is killed meanwhile leaves the target as it was before or as it is after.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import duckdb

from storage.errors import DiskFull
from storage.exports.export_errors import TargetTaken
from storage.file_sizes import walk
from storage.records import new_id
from storage.snapshot.snapshot_folder import sync_folder, write_text
from storage.studio_folder import StudioFolder

MARKER = ".palate-export.json"
"""Hidden, so that programs that read a folder of images or of tables pass over it."""
FORMAT = 1
SCRATCH_NAME = re.compile(r"\.[0-9a-f]{16}")
NOTES = ".writing-*.json"


class ExportFacts(TypedDict):
    """What an export tells of itself in its marker."""

    form: str
    created: str
    """ISO 8601 in UTC."""
    rows: NotRequired[int]
    """Votes and rankings that are in it."""
    left_out: NotRequired[dict[str, int]]
    """Those that are not, by reason."""


@dataclass(frozen=True)
class Scratch:
    """The places of an export that is being written."""

    note: Path
    path: Path
    target: Path

    @property
    def new(self) -> Path:
        """The folder that is being written."""
        return self.path / "new"

    @property
    def before(self) -> Path:
        """The export that stood under the name of the new one."""
        return self.path / "before"


@contextmanager
def export_folder(target: Path, folder: StudioFolder, facts: ExportFacts) -> Iterator[Path]:
    """Yield an empty folder, which takes the target's name once the block ends without an error.

    Whoever writes reads back what was written, inside the block. Raises TargetTaken for a name that
    is not free, and DiskFull; then the target is as it was before.
    """
    target = target.absolute()
    with disk_errors(target):
        folder.exports.mkdir(exist_ok=True)
    require_free(target, folder)
    scratch = begin(target, folder)
    try:
        with disk_errors(target):
            scratch.new.mkdir(parents=True)
            yield scratch.new
            finish(scratch, folder, facts)
    finally:
        settle(scratch)


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn a failure of the disk into DiskFull."""
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        number = re.search(r'"errno":"(\d+)"', str(error))
        told = os.strerror(int(number[1])) if number else str(error).splitlines()[0]
        reason = getattr(error, "strerror", None) or told
        raise DiskFull(
            f"The export {target} could not be written: {reason}. Nothing was changed. Free some "
            "space on its disk or choose another place, then export again."
        ) from error


def begin(target: Path, folder: StudioFolder) -> Scratch:
    """Note where an export is about to be written, before anything is."""
    token = new_id()
    scratch = Scratch(
        folder.exports / f".writing-{token}.json", target.parent / f".{token}", target
    )
    with disk_errors(target):
        write_text(scratch.note, json.dumps({"scratch": str(scratch.path), "target": str(target)}))
        sync_folder(folder.exports)
    return scratch


def finish(scratch: Scratch, folder: StudioFolder, facts: ExportFacts) -> None:
    """Bring an export to the disk, then give it its name."""
    files = {
        file.path.relative_to(scratch.new).as_posix(): file.bytes for file in walk(scratch.new)
    }
    marker = {"format": FORMAT, **facts, "files": files}
    write_text(scratch.new / MARKER, json.dumps(marker, ensure_ascii=True, indent=1) + "\n")
    sync_tree(scratch.new)

    # Looked at again: somebody may have put something there meanwhile.
    require_free(scratch.target, folder)
    if scratch.target.exists():
        # A folder does not replace a folder that is not empty.
        os.replace(scratch.target, scratch.before)
    os.replace(scratch.new, scratch.target)
    sync_folder(scratch.target.parent)


def settle(scratch: Scratch) -> None:
    """Put back what an exchange had moved away, and remove what is left of a scratch folder."""
    with suppress(OSError):
        if scratch.before.exists() and not scratch.target.exists():
            os.replace(scratch.before, scratch.target)
        if scratch.path.exists():
            shutil.rmtree(scratch.path)
        # Last: while there is a note, the next start tries again.
        scratch.note.unlink(missing_ok=True)


def settle_unfinished(exports: Path) -> None:
    """Clear up after exports that a kill ended; only at the start of the app that holds the studio.

    A note whose disk is not there now is kept for another time.
    """
    for note in exports.glob(NOTES):
        try:
            told = json.loads(note.read_text(encoding="utf-8"))
            scratch = Scratch(note, Path(told["scratch"]), Path(told["target"]))
        except (OSError, ValueError, KeyError, TypeError):
            # Cut off by the kill: then nothing was written beside it yet.
            note.unlink(missing_ok=True)
            continue
        beside = scratch.path.parent == scratch.target.parent
        if beside and SCRATCH_NAME.fullmatch(scratch.path.name) and scratch.path.parent.exists():
            settle(scratch)


def require_free(target: Path, folder: StudioFolder) -> None:
    """Raise TargetTaken unless an export may have this name, or stands there as it was written."""
    # Whatever links lead there, and however it is written.
    real, studio = target.parent.resolve() / target.name, folder.path.resolve()
    if real.is_relative_to(studio) and studio / folder.exports.name not in real.parents:
        raise TargetTaken(
            f"{target} is in the studio folder, where an export could replace what belongs to it. "
            f"Choose a place outside, or a new folder in {folder.exports}."
        )
    if studio.is_relative_to(real):
        raise TargetTaken(f"The studio is in {target}. Name a new folder for the export.")
    if not target.parent.is_dir():
        raise TargetTaken(
            f"{target.parent} is not a folder, so nothing can be written into it. Make it first, "
            "or choose another place."
        )
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise TargetTaken(f"{target} is a file or a link. Name a new folder for the export.")
    if target.is_dir() and any(target.iterdir()):
        require_own(target)


def require_own(target: Path) -> None:
    """Raise TargetTaken unless a folder is an export that nobody has changed since."""
    try:
        written = json.loads((target / MARKER).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TargetTaken(
            f"{target} has files in it that are no export of Palate's, and they stay. Name a new "
            "folder for the export."
        ) from error

    for file in walk(target):
        name = file.path.relative_to(target).as_posix()
        if name != MARKER and written.get(name) != file.bytes:
            raise TargetTaken(
                f"{target} is an earlier export, but somebody put {name} there or changed it. "
                "Move that file away, or name a new folder for the export."
            )


def sync_tree(path: Path) -> None:
    """Wait until every file below a folder is on the disk, and every list of names."""
    for folder, _, names in os.walk(path):
        for name in names:
            # Windows brings only a file to the disk that was opened to be written.
            with open(os.path.join(folder, name), "r+b") as file:
                os.fsync(file.fileno())
        sync_folder(Path(folder))
