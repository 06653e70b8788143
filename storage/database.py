"""The database of a studio: one writer at a time, readers beside it, DuckDB's errors in our words.

Every write is one transaction, and `write` returns only after its commit, which DuckDB has put on
the disk by then. So whatever a caller was told is recorded survives a kill and a power cut.
"""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from storage.errors import (
    BrokenStudio,
    DamagedDatabase,
    DiskFull,
    StorageError,
    StudioInUse,
    StudioNewer,
)

Cursor = duckdb.DuckDBPyConnection
Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
Result = TypeVar("Result")

Config = dict[str, str | bool | int | float | list[str]]

CONFIG: Config = {
    "memory_limit": "256MB",
    "threads": 2,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # What DuckDB 1 writes by itself and DuckDB 2 only when told: either opens what the other wrote.
    "storage_compatibility_version": "v1.0.0",
    "checkpoint_threshold": "16MB",
}
NEVER = "1TB"
"""A size that no log reaches, so that DuckDB does not fold it into the file."""
WRITE_TRIES = 5


def nothing(_: object) -> None:
    """Do nothing."""


class Database:
    """The one connection of this process to a database file; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._connection: Cursor | None = connect(path)
        self.writes = 0
        """How many transactions were committed; a change says that it is worth looking again."""

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query over what is committed."""
        with self._explained(read_failure), self._cursor() as cursor:
            return cursor.execute(sql, parameters).fetchall()

    def write(
        self, work: Callable[[Cursor], Result], then: Callable[[Result], None] = nothing
    ) -> Result:
        """Run `work` in a transaction, commit, hand what it returned to `then`, and return it.

        A conflict makes `work` run again, so it must do nothing but talk to its cursor. `then` runs
        once, before any other write begins.
        """
        with self._writing, self._explained(write_failure):
            result = self._committed(work)
            self.writes += 1
            then(result)
            return result

    def checkpoint(self) -> None:
        """Fold the log into the file, where DuckDB can now; nothing is lost where it cannot."""
        with self._writing, suppress(duckdb.Error), self._cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def copy_to(self, target: Path) -> None:
        """Copy the file and its log, as they are between two commits; votes go on meanwhile.

        Raises OSError where that fails. DuckDB changes the file only when it folds the log into it,
        so it must not begin to; what is added to the log meanwhile may be in the copy or not.
        """
        self._fold_at(NEVER)
        try:
            shutil.copyfile(self._path, target)
            with suppress(FileNotFoundError):
                shutil.copyfile(log_of(self._path), log_of(target))
        except PermissionError:
            # Windows lets nobody else read the file while DuckDB has it.
            self._copy_rows(target)
        finally:
            self._fold_at(CONFIG["checkpoint_threshold"])

    def _fold_at(self, size: object) -> None:
        # Between two writes, so that no commit is just about to fold.
        with self._writing, suppress(duckdb.Error), self._cursor() as cursor:
            cursor.execute(f"SET checkpoint_threshold = '{size}'")

    def _copy_rows(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        try:
            with self._cursor() as cursor:
                cursor.execute(f"ATTACH '{quoted(target)}' AS palate_copy")
                try:
                    (name,) = cursor.execute("SELECT current_database()").fetchall()[0]
                    cursor.execute(f'COPY FROM DATABASE "{name}" TO palate_copy')
                finally:
                    cursor.execute("DETACH palate_copy")
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0]) from error

    def close(self) -> None:
        """Let go of the file; a later call opens it again."""
        with self._opening:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _committed(self, work: Callable[[Cursor], Result]) -> Result:
        for _ in range(WRITE_TRIES - 1):
            try:
                return self._transaction(work)
            except duckdb.TransactionException as error:
                if "conflict" not in str(error).lower():
                    raise
        return self._transaction(work)

    def _transaction(self, work: Callable[[Cursor], Result]) -> Result:
        with self._cursor() as cursor:
            cursor.begin()
            try:
                result = work(cursor)
                cursor.commit()
            except BaseException:
                # A failed commit has ended the transaction already, and a fatal error forbids all.
                with suppress(duckdb.Error):
                    cursor.rollback()
                raise
            return result

    def _cursor(self) -> Cursor:
        with self._opening:
            if self._connection is None:
                self._connection = connect(self._path)
            return self._connection.cursor()

    @contextmanager
    def _explained(self, explain: Callable[[duckdb.Error, Path], StorageError]) -> Iterator[None]:
        try:
            yield
        except duckdb.FatalException as error:
            # DuckDB answers nothing more on this connection; the next call opens the file anew.
            self.close()
            raise self._failure(error, explain) from error
        except (duckdb.IOException, duckdb.TransactionException) as error:
            raise self._failure(error, explain) from error
        except duckdb.Error as error:
            # DuckDB 2 has no kind of its own for a block that cannot be read.
            if not is_damage(str(error)):
                raise
            raise self._failure(error, explain) from error

    def _failure(
        self, error: duckdb.Error, explain: Callable[[duckdb.Error, Path], StorageError]
    ) -> StorageError:
        if is_damage(str(error)):
            return damage_found(error, self._path)
        return explain(error, self._path)


def connect(path: Path) -> Cursor:
    """Open a database file, making it if need be.

    Raises StudioInUse, StudioNewer or BrokenStudio, each for the studio folder around the file.
    """
    try:
        return connect_with(path, CONFIG)
    except duckdb.Error as error:
        raise open_failure(error, path) from error


def connect_with(path: Path, config: Config, read_only: bool = False) -> Cursor:
    """Open a database file; raises duckdb.Error."""
    connection = duckdb.connect(path, read_only=read_only, config=config)
    # Under `python -m` DuckDB takes the process for a person's terminal, and once a query lasts two
    # seconds it writes a progress bar to stdout, where `inspect` writes its answer.
    connection.execute("SET enable_progress_bar = false")
    return connection


def log_of(path: Path) -> Path:
    """Where DuckDB keeps the log of a database file."""
    return path.with_name(path.name + ".wal")


def quoted(path: Path) -> str:
    """Write a path between the quotes of SQL."""
    return str(path).replace("'", "''")


def open_failure(error: duckdb.Error | str, path: Path) -> StorageError:
    """Say why a database file did not open."""
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
    """Whether DuckDB refused a file that another program has."""
    return "lock on file" in reason or "used by another process" in reason


def is_newer(reason: str) -> bool:
    """Whether DuckDB refused a file of a newer DuckDB."""
    return "version number" in reason


def is_damage(reason: str) -> bool:
    """Whether DuckDB met a block or a log that is not what it wrote."""
    return "Corrupt" in reason or "Could not read enough bytes" in reason


def damage_found(error: duckdb.Error, path: Path) -> StorageError:
    """Say that a database turned out to be damaged while it was in use."""
    return DamagedDatabase(
        f"{path} is damaged, so nothing was read or recorded just now. {error}. Stop Palate and "
        "start it again: it says which copy can be put back."
    )


def read_failure(error: duckdb.Error, path: Path) -> StorageError:
    """Say why a query failed."""
    return BrokenStudio(f"{path} could not be read. {error}. Try again, then restart Palate.")


def write_failure(error: duckdb.Error, path: Path) -> StorageError:
    """Say why a transaction failed."""
    return DiskFull(
        f"Nothing was recorded, because {path} could not be written. {error}. "
        "Free some space on its disk, then try again."
    )
