"""Failures of DuckDB on a database file, as errors that say what happened and what to do."""

from pathlib import Path

import duckdb

from storage.errors import (
    BrokenStudio,
    DamagedDatabase,
    DiskFull,
    StorageError,
    StudioInUse,
    StudioNewer,
)


def open_failure(error: duckdb.Error | str, path: Path) -> StorageError:
    """Return the error that explains why a database file did not open."""
    reason = str(error)
    if is_in_use(reason):
        return StudioInUse(
            f"Another program holds {path}. Close it, or choose another folder with --home."
        )

    if is_newer(reason):
        return StudioNewer(
            f"{path} was written by a newer DuckDB than {duckdb.__version__}. "
            "Upgrade Palate, or choose another folder with --home."
        )

    return BrokenStudio(
        f"{path} could not be opened. {reason.rstrip('.')}. "
        "Put back a good copy of the file, or choose another folder with --home."
    )


def is_in_use(reason: str) -> bool:
    """Return True if DuckDB refused a file that another program holds."""
    return "lock on file" in reason or "used by another process" in reason


def is_newer(reason: str) -> bool:
    """Return True if DuckDB refused a file that a newer DuckDB wrote."""
    return "version number" in reason


def is_damage(reason: str) -> bool:
    """Return True if DuckDB met a block or a log that is not what it wrote."""
    return "Corrupt" in reason or "Could not read enough bytes" in reason


def damage_found(error: duckdb.Error, path: Path) -> StorageError:
    """Return the error for a database that turned out to be damaged while it was in use."""
    return DamagedDatabase(
        f"{path} is damaged, so nothing was read or recorded just now. {error}. Stop Palate and "
        "start it again: it says which copy can be put back."
    )


def read_failure(error: duckdb.Error, path: Path) -> StorageError:
    """Return the error for a query that failed."""
    return BrokenStudio(f"{path} could not be read. {error}. Try again, then restart Palate.")


def write_failure(error: duckdb.Error, path: Path) -> StorageError:
    """Return the error for a transaction that failed."""
    return DiskFull(
        f"Nothing was recorded, because {path} could not be written. {error}. "
        "Free some space on its disk, then try again."
    )
