"""Files of the studio folder, measured and removed; a file with several names counts once."""

import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class File:
    """A file by one of its names; `links` is how many it has."""

    path: Path
    bytes: int
    node: tuple[int, int]
    links: int
    changed: float


@dataclass(frozen=True, slots=True)
class FreedSpace:
    """Bytes and files that are, or would be, gone from the disk."""

    bytes: int
    files: int


def walk(path: Path) -> Iterator[File]:
    """Return the file at a path, or every file below it; links are not followed, nor counted."""
    try:
        # Path.lstat, and not os.scandir: on Windows only this one knows the file's number.
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            for name in sorted(os.listdir(path)):
                yield from walk(path / name)
        elif stat.S_ISREG(found.st_mode):
            node = (found.st_dev, found.st_ino)
            yield File(path, found.st_size, node, found.st_nlink, found.st_mtime)
    except OSError:
        # Gone since it was listed, or not ours to read: nothing to count.
        return


def freed_by(files: Iterable[File]) -> FreedSpace:
    """Say what removing these names frees: a file that keeps another name keeps its bytes."""
    files = list(files)
    names = Counter(file.node for file in files)
    whole = {file.node: file.bytes for file in files if names[file.node] >= file.links}
    return FreedSpace(sum(whole.values()), len(files))


def remove(paths: Iterable[Path]) -> FreedSpace:
    """Remove files and folders and say what that freed; what cannot be removed stays."""
    paths = [path for path in paths if path.exists() and not path.is_symlink()]
    before = [file for path in paths for file in walk(path)]
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    return freed_by(file for file in before if not file.path.exists())
