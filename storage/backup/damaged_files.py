"""Damaged files of a database: set them aside under a free name, and compare their headers."""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from storage.backup.inspection import logs_of
from storage.errors import BrokenStudio

HEAD = 3 * 4096
"""Size in bytes of the three headers at the beginning of a DuckDB file."""


def free_name(home: Path, now: datetime) -> str:
    """Return a dated name without a suffix that no file has yet."""
    dated = f"palate.damaged-{now:%Y-%m-%dT%H%M%SZ}"
    number, name = 1, dated
    while any(home.glob(f"{name}.*")):
        number += 1
        name = f"{dated}-{number}"
    return name


def keep(file: Path, aside: Path) -> None:
    """Give a file another name beside.

    Where the disk has hard links, the old name stays until another file takes it, so that no kill
    leaves the studio without a database.
    """
    try:
        os.link(file, aside)
    except OSError:
        os.replace(file, aside)


def same_head(copy: Path, database: Path) -> bool:
    """Return True if DuckDB has folded no log into the database since a copy was made of it.

    Folding writes a header. With equal headers a log that was begun on the one fits the other.
    """
    with suppress(OSError):
        return head_of(copy) == head_of(database)
    return False


def head_of(database: Path) -> bytes:
    """Return the headers of a database file."""
    with database.open("rb") as file:
        return file.read(HEAD)


def require_access(database: Path) -> None:
    """Raise BrokenStudio if the files of a database may not be read and written.

    Also for a folder or a pipe in the place of its log, which could not be copied.
    """
    for log in logs_of(database):
        if not log.is_file():
            raise BrokenStudio(
                f"{log} is in the place of the database's log and is no file. Nothing was changed. "
                "Move it elsewhere, then start Palate again."
            )

    for file in (database, *logs_of(database)):
        try:
            if file.is_file():
                file.open("r+b").close()
        except PermissionError as error:
            raise BrokenStudio(
                f"{file} may not be read and written by this user: {error.strerror}. It is not "
                "damaged. Give it to the user that runs Palate, or start Palate as its owner."
            ) from error
