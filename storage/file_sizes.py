"""File sizes: measure and remove files; a file with several hard links counts once."""

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
    """A file by one of its names; `links` is the number of its names, `node` its identity."""

    path: Path
    bytes: int
    node: tuple[int, int]
    links: int
    changed: float


@dataclass(frozen=True, slots=True)
class FreedSpace:
    """The space that a removal frees, or would free."""

    bytes: int
    files: int


def walk(path: Path) -> Iterator[File]:
    """Yield the file at a path, or every file below it; symbolic links are left out."""
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
    """Return the space that removing these names frees; a file with another name keeps its own."""
    files = list(files)
    names = Counter(file.node for file in files)
    whole = {file.node: file.bytes for file in files if names[file.node] >= file.links}
    return FreedSpace(sum(whole.values()), len(files))


def remove(paths: Iterable[Path]) -> FreedSpace:
    """Remove files and folders, leaving what cannot be removed; return the space that it freed."""
    paths = [path for path in paths if path.exists() and not path.is_symlink()]
    before = [file for path in paths for file in walk(path)]
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    return freed_by(file for file in before if not file.path.exists())
