"""Safe reading of untrusted files: regular ones within a folder, opened once, up to a size."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

IRREGULAR = "not a regular file"
OUTSIDE = "a link that leads out of the folder"
UNREADABLE = "could not be read"
TOO_LARGE = "too large a file"
CHANGED = "changed while it was read"
MAX_NAME_LENGTH = 200
# O_NONBLOCK keeps a pipe that took the file's place from blocking; Windows has O_BINARY alone.
OPTIONS = ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK")
FLAGS = os.O_RDONLY | sum({getattr(os, option, 0) for option in OPTIONS})


class SkippedFile(Exception):
    """A file is left out; the text is the reason, by which such files are counted."""


@contextmanager
def open_regular(path: Path, root: Path | None) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file and yield it with its size in bytes.

    A link is followed where it stays within `root`, or anywhere without one. Raises SkippedFile,
    also for what goes wrong while the file is read.
    """
    try:
        with _open(path, root) as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise SkippedFile(UNREADABLE) from error


def _open(path: Path, root: Path | None) -> BinaryIO:
    """Open a regular file.

    The path is checked before it is opened, since opening a pipe waits and opening a device may do
    things, and again afterwards, since it may have been replaced in between.
    """
    real = path
    if root is None or stat.S_ISLNK(os.lstat(path).st_mode):
        real = _resolve(path)
    if root is not None and real is not path and not real.is_relative_to(root):
        raise SkippedFile(OUTSIDE)

    before = os.lstat(real)
    if not stat.S_ISREG(before.st_mode):
        raise SkippedFile(IRREGULAR)

    file = open(os.open(real, FLAGS), "rb")
    after = os.fstat(file.fileno())
    if not stat.S_ISREG(after.st_mode) or not os.path.samestat(before, after):
        file.close()
        raise SkippedFile(CHANGED)
    return file


def _resolve(path: Path) -> Path:
    """Return the path that links lead to; raises SkippedFile."""
    try:
        return path.resolve(strict=True)
    except (ValueError, RuntimeError) as error:
        # A NUL in the name; links that go round, before Python 3.13.
        raise SkippedFile(UNREADABLE) from error


def read_whole(path: Path, root: Path, most: int) -> bytes:
    """Return a file's content; raises SkippedFile, also for more than `most` bytes."""
    with open_regular(path, root) as (file, size):
        if size > most:
            raise SkippedFile(TOO_LARGE)
        content = file.read(size + 1)

    if not content:
        raise SkippedFile("empty file")
    if len(content) != size:
        raise SkippedFile(CHANGED)
    return content


def read_start(path: Path, root: Path, most: int) -> bytes:
    """Return the first `most` bytes of a file, or all of a shorter one; raises SkippedFile."""
    with open_regular(path, root) as (file, size):
        return file.read(min(size, most))


def display_path(path: Path, root: Path) -> str:
    """Return a path relative to a folder as text that any terminal and JSON can hold."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return printable(name)


def printable(text: str) -> str:
    """Escape unprintable characters of a text, and cut a long one."""
    escaped = (
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text[:MAX_NAME_LENGTH]
    )
    return "".join(escaped) + "..." * (len(text) > MAX_NAME_LENGTH)
