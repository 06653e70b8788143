"""The database of a studio: transactions, one writer at a time, and DuckDB's errors in sentences.

This is where a vote becomes durable. Every write is one transaction, and `Database.write` returns
only after its commit. DuckDB writes a commit to the log beside the file (palate.duckdb.wal) and
calls fsync on it before it returns, so whatever a caller was told is recorded survives a kill and a
power cut. tests/storage/database/test_durability.py holds that in the system calls.
"""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from storage.database_failures import (
    damage_found,
    is_damage,
    open_failure,
    read_failure,
    write_failure,
)
from storage.errors import StorageError

Cursor = duckdb.DuckDBPyConnection
Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
Result = TypeVar("Result")

Config = dict[str, str | bool | int | float | list[str]]

CONFIG: Config = {
    # The app shares a laptop with a trainer; a studio of 100,000 votes uses some 30 MB of it.
    "memory_limit": "256MB",
    # Two, so that a query never takes all cores from the trainer.
    "threads": 2,
    # Nothing is fetched from the internet behind a person's back.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # What DuckDB 1 writes by itself and DuckDB 2 only when told: either opens what the other wrote.
    "storage_compatibility_version": "v1.0.0",
    # The size of the log at which DuckDB folds it into the file: some 8,000 votes with their pairs
    # and images.
    "checkpoint_threshold": "16MB",
}
NEVER = "1TB"
"""A checkpoint threshold that no log reaches, so that DuckDB does not fold it into the file."""
LONGEST_QUERY_S = 30.0
"""Seconds for which the end of the app waits for queries under way."""
WRITE_TRIES = 5
"""Tries of a transaction that DuckDB ends over a conflict; writes run in turn, so it is rare."""


def nothing(_: object) -> None:
    """Do nothing."""


class Database:
    """The one connection of this process to a database file; safe to share between threads.

    Reads run beside each other and beside a write, each on a cursor of its own: DuckDB's snapshot
    isolation shows them what was committed. Writes run one after the other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # One writer at a time. DuckDB would let two run and fail one of them with a conflict; in
        # turn neither fails, and `then` sees the commits in their order.
        self._writing = threading.Lock()
        # Its own lock, for a cursor is opened while `_writing` is held.
        self._opening = threading.Condition(threading.Lock())
        self._connection: Cursor | None = connect(path)
        self._cursors = 0
        self.writes = 0
        """Transactions committed so far; the copy schedule looks for new votes when it changes."""

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query over what is committed; raises BrokenStudio."""
        with self._explained(read_failure), self._cursor() as cursor:
            return cursor.execute(sql, parameters).fetchall()

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """Yield a cursor whose queries all see what was committed when the first of them began.

        Votes may be recorded meanwhile. Raises BrokenStudio.
        """
        with self._explained(read_failure), self._cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            finally:
                # It changed nothing, and a fatal error has ended it already.
                with suppress(duckdb.Error):
                    cursor.rollback()

    def write(
        self, work: Callable[[Cursor], Result], then: Callable[[Result], None] = nothing
    ) -> Result:
        """Run `work` in a transaction, commit it to the disk, and return what `work` returned.

        A conflict makes `work` run again, so it must do nothing but talk to its cursor. `then` gets
        the result once, after the commit and before any other write begins: it is for what is held
        in memory and must follow the commits in their order. Raises DiskFull, and then nothing was
        recorded.
        """
        with self._writing, self._explained(write_failure):
            result = self._committed(work)
            self.writes += 1
            # Still under the lock: released before it, a later commit's `then` could come first.
            then(result)
            return result

    def checkpoint(self) -> None:
        """Fold the log into the file if DuckDB can now; nothing is lost if it cannot."""
        with self._writing, suppress(duckdb.Error), self._cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def drop_caches(self) -> None:
        """Make DuckDB release cached pages and what it keeps of buffers that are gone.

        Each join, window or DISTINCT leaves some 300 bytes in the queue of buffers to evict, which
        DuckDB cleans only from tens of thousands of entries on (20 MB), or as it evicts. A memory
        limit that cannot be met makes it evict everything it can, in some 10 ms, and is refused, so
        that the limit of before stays; what is needed again is read from the file. Rows that are in
        the log alone may go to a folder `.tmp` beside it meanwhile. Does nothing during a query.
        """
        with self._opening:
            # A query under way would meet that limit, and end for want of memory.
            if self._connection is None or self._cursors:
                return
            with suppress(duckdb.Error), self._connection.cursor() as cursor:
                try:
                    cursor.execute("SET memory_limit = '1KB'")
                finally:
                    cursor.execute(f"SET memory_limit = '{CONFIG['memory_limit']}'")

    def copy_to(self, target: Path) -> None:
        """Copy the file and its log, as they are between two commits; votes go on meanwhile.

        Votes that are added to the log meanwhile may be in the copy or not. Raises OSError.
        """
        # DuckDB changes the file only when it folds the log into it, so it must not begin to.
        self._checkpoint_at(NEVER)
        try:
            shutil.copyfile(self._path, target)
            with suppress(FileNotFoundError):
                shutil.copyfile(log_of(self._path), log_of(target))
        except PermissionError:
            # Windows lets nobody else read the file while DuckDB has it.
            self._copy_rows(target)
        finally:
            self._checkpoint_at(CONFIG["checkpoint_threshold"])

    def _checkpoint_at(self, size: object) -> None:
        # Between two writes, so that no commit is just about to fold the log.
        with self._writing, suppress(duckdb.Error), self._cursor() as cursor:
            cursor.execute(f"SET checkpoint_threshold = '{size}'")

    def _copy_rows(self, target: Path) -> None:
        """Copy the rows through DuckDB, where the file itself cannot be read."""
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
        """Close the file, which folds the log into it; a later call opens it again.

        Queries of other threads are waited for, since DuckDB closes no connection under one.
        """
        with self._opening:
            self._opening.wait_for(lambda: not self._cursors, LONGEST_QUERY_S)
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _committed(self, work: Callable[[Cursor], Result]) -> Result:
        """Run a transaction, anew where it conflicts with another one."""
        for _ in range(WRITE_TRIES - 1):
            try:
                return self._transaction(work)
            except duckdb.TransactionException as error:
                if "conflict" not in str(error).lower():
                    raise
        return self._transaction(work)

    def _transaction(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` between BEGIN and COMMIT; the commit returns once the log is on the disk."""
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

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        """Yield a fresh cursor: a DuckDB connection must not be used by two threads at once."""
        with self._opening:
            if self._connection is None:
                self._connection = connect(self._path)
            cursor = self._connection.cursor()
            self._cursors += 1
        try:
            yield cursor
        finally:
            cursor.close()
            with self._opening:
                self._cursors -= 1
                self._opening.notify_all()

    @contextmanager
    def _explained(self, explain: Callable[[duckdb.Error, Path], StorageError]) -> Iterator[None]:
        """Turn DuckDB's failures of the disk into ours; a wrong query stays a duckdb.Error."""
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
    """Return the path of a database's write-ahead log, where commits are until a checkpoint."""
    return path.with_name(path.name + ".wal")


def quoted(path: Path) -> str:
    """Escape a path for a quoted string of SQL."""
    return str(path).replace("'", "''")
