"""The other studio of a merge: closed, never changed, and read from a copy of its database.

The copy is brought up to date as a studio is when it is opened, so an older one can be merged too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from storage.backup.inspection import ask, copy_with_logs, scratch_folder
from storage.database import Database
from storage.errors import BrokenStudio, InvalidTarget, StudioInUse
from storage.schema import migrate, read_migrations

SHADOWED = """
SELECT view_name FROM duckdb_views()
WHERE NOT internal AND NOT starts_with(view_name, 'current_') AND view_name NOT IN (
    'candidate_votes', 'excluded_people', 'excluded_votes', 'gold_pairs', 'hidden_pairs',
    'taken_back_pairs', 'trainable_votes', 'withdrawn_acts'
)
"""
"""Views that no studio has."""


@dataclass(frozen=True, slots=True)
class OtherStudio:
    """A studio to take from: its folder, and an up-to-date copy of its database."""

    home: Path
    database: Path


@contextmanager
def other_studio(other: Path, home: Path) -> Iterator[OtherStudio]:
    """Yield another studio, copied beside `home` for as long as it is needed.

    Raises InvalidTarget, StudioInUse, StudioNewer or BrokenStudio.
    """
    other = other.absolute()
    original = other / "palate.duckdb"
    if not original.is_file():
        raise InvalidTarget(f"{other} is no studio: it has no palate.duckdb. Name another folder.")
    if other.resolve() == home.resolve():
        raise InvalidTarget(f"{other} is this studio itself. Name another one.")

    with scratch_folder(home) as scratch:
        copy = scratch / "other.duckdb"
        try:
            copy_with_logs(original, copy)
        except OSError as error:
            raise BrokenStudio(
                f"{original} could not be read: {error.strerror or error}. Nothing was changed."
            ) from error
        require_sound(original, copy)
        bring_up_to_date(original, copy)
        yield OtherStudio(other, copy)


def bring_up_to_date(original: Path, copy: Path) -> None:
    """Migrate a copy of a studio's database; raises StudioNewer, or BrokenStudio for another's."""
    database = Database(copy)
    try:
        migrate(database, read_migrations())
        # A view may read any file of this machine: what is read here has to be tables.
        if views := database.read(SHADOWED):
            raise BrokenStudio(f"{original} is no studio's: its {views[0][0]} is no table.")
    except duckdb.Error as error:
        raise BrokenStudio(
            f"{original} is no studio's database: {str(error).splitlines()[0]}. Nothing was "
            "changed. Name the folder of a studio."
        ) from error
    finally:
        database.close()


def require_sound(original: Path, copy: Path) -> None:
    """Raise StudioInUse or BrokenStudio for a studio that cannot be merged as it is."""
    finding = ask("check", copy, original)
    if finding.refused is not None:
        raise StudioInUse(
            f"{original} cannot be read: {finding.refused}. Close the app that runs on it, or "
            "restore a backup of it into a new folder and merge that."
        )
    if finding.problem is None and finding.schema == 0:
        raise InvalidTarget(f"{original} is no studio's database. Name the folder of a studio.")
    if finding.problem or finding.unread:
        problem = finding.problem or f"the last {finding.unread:,} bytes of its log cannot be read"
        raise BrokenStudio(
            f"{original} is damaged: {problem}. Nothing was changed. Start Palate on it once: it "
            "repairs what it can and says which copy can be put back."
        )
