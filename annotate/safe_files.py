"""Read files that others made: regular ones within a folder, opened once, no more than so much."""

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
LONGEST_NAME = 200
# O_NONBLOCK keeps a pipe that took the file's place from blocking; Windows has O_BINARY alone.
OPTIONS = ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK")
FLAGS = os.O_RDONLY | sum({getattr(os, option, 0) for option in OPTIONS})


class SkippedFile(Exception):
    """A file that is left out; the text is the reason, to be counted by."""


@contextmanager
def open_regular(path: Path, root: Path | None) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file and give it with its size.

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

    What is at the path is looked at before it is opened, for opening a pipe waits and opening a
    device may do things, and again afterwards, for it may have been replaced.
    """
    real = path
    if root is None or stat.S_ISLNK(os.lstat(path).st_mode):
        real = _followed(path)
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


def _followed(path: Path) -> Path:
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
    """Return the first `most` bytes of a file at the longest; raises SkippedFile."""
    with open_regular(path, root) as (file, size):
        return file.read(min(size, most))


def display_path(path: Path, root: Path) -> str:
    """Return a path below a folder as text that any terminal and JSON can hold."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return printable(name)


def printable(text: str) -> str:
    """Return a text with what cannot be printed escaped, and with its end cut off if it is long."""
    escaped = (
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:LONGEST_NAME]
    )
    return "".join(escaped) + "..." * (len(text) > LONGEST_NAME)
