"""Inspection: read a database through to its end, in a process of its own.

DuckDB notices damage only in the blocks that it happens to read, may end the whole process over it,
and takes a log that it cannot read for an unfinished one and drops it. So a database that may be
damaged is copied, and the copy is opened, read, and looked up in, where nobody minds a crash.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from storage.database import CONFIG, NEVER, Cursor, connect_with, log_of, quoted
from storage.database_failures import is_in_use, is_newer
from storage.schema import OTHER_NAMES

SCRATCH = ".palate-"
AROUND = r"""^\w[\w ]* Error: |Failure while replaying WAL file "[^"]*": """
A_PATH = r'"[^"]*[/\\]([^"/\\]+)"'
LONGEST_S = 3600
"""Seconds that an inspection may take."""
ROOT = Path(__file__).resolve().parents[2]
TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
UNIQUE = """
SELECT table_name, constraint_column_names FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
"""
INDEXED = f"""
{UNIQUE} UNION ALL
SELECT table_name, string_split(trim(expressions, '[]'), ', ') FROM duckdb_indexes()
"""
STRAYS = (
    "SELECT count(*) FROM votes WHERE pair_id NOT IN (SELECT pair_id FROM pairs)",
    "SELECT count(*) FROM rankings WHERE quad_id NOT IN (SELECT quad_id FROM quads)",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of an inspection; `problem` is why a database cannot be used, if it cannot."""

    votes: int = 0
    """Current votes and rankings."""
    acts: int = 0
    """Votes, rankings and their undos: this number never decreases."""
    schema: int = 0
    unread: int = 0
    """Bytes at the end of the log that DuckDB takes for an unfinished commit."""
    problem: str | None = None
    refused: str | None = None
    """The reason why the file was not opened: another program has it, or a newer DuckDB made it."""


def check(database: Path, original: Path) -> Finding:
    """Inspect a copy of a database and its logs, unless another program has the original."""
    try:
        connect_with(original, CONFIG, read_only=True).close()
    except duckdb.Error as error:
        if is_in_use(reason := first_line(error)) or is_newer(reason):
            return Finding(problem=reason, refused=reason)
    return inspect(database)


def inspect(database: Path, fold: bool = False) -> Finding:
    """Read a database and its log; with `fold` the log is then in the file, else nothing changes.

    Only for copies: DuckDB writes beside the file.
    """
    log = log_of(database)
    before = log.read_bytes() if log.exists() else b""
    connection = connect_with(database, CONFIG | {"checkpoint_threshold": NEVER})
    read_through(connection)
    finding = counted(connection)

    if before and (problem := mismatch(connection)):
        finding = replace(finding, problem=problem)
    if before and not fold:
        finding = replace(finding, unread=unread(connection, log, before))

    if not fold:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    connection.close()
    return finding


def read_through(connection: Cursor) -> None:
    """Read every row, and find every row through each of its indexes; raises duckdb.Error."""
    for (table,) in connection.execute(TABLES).fetchall():
        connection.execute(f'SELECT bit_xor(hash(t)) FROM "{table}" AS t').fetchall()

    # So that a range goes through the index, however many rows it finds.
    connection.execute("SET index_scan_percentage = 1.0")
    connection.execute(f"SET index_scan_max_count = {2**40}")
    for table, columns in connection.execute(INDEXED).fetchall():
        # Above the lowest value: a range with all rows in it would be read from the table.
        column = columns[0].strip("'\"")
        ((low,),) = connection.execute(f'SELECT min("{column}") FROM "{table}"').fetchall()
        if low is not None:
            sql = f'SELECT count(*) FROM "{table}" WHERE "{column}" > ?'
            connection.execute(sql, [low]).fetchall()


def mismatch(connection: Cursor) -> str | None:
    """Return the reason why the log is not this database's: DuckDB 1.5 adds any log to any file."""
    for table, columns in connection.execute(UNIQUE).fetchall():
        names = ", ".join(f'"{column}"' for column in columns)
        known = " AND ".join(f'"{column}" IS NOT NULL' for column in columns)
        sql = f'SELECT count(*) - count(DISTINCT ({names})) FROM "{table}" WHERE {known}'
        if twice := count(connection, sql):
            return f"its log is of another database, {twice:,} rows of {table} are there twice"

    if strays := sum(count(connection, sql) for sql in STRAYS):
        return f"its log is of another database, {strays:,} votes are on pairs that are not there"
    return None


def counted(connection: Cursor) -> Finding:
    """Count votes and rankings; a database of an older Palate may lack a table."""
    votes, acts, schema = (
        sum(count(connection, sql) for sql in each)
        for each in (
            ("SELECT count(*) FROM current_votes", "SELECT count(best) FROM current_rankings"),
            ("SELECT count(*) FROM votes", "SELECT count(*) FROM rankings"),
            ("SELECT coalesce(max(number), 0) FROM schema_migrations",),
        )
    )
    return Finding(votes, acts, schema)


def count(connection: Cursor, sql: str) -> int:
    """Return the number that a query gives, 0 if its table is not there yet."""
    try:
        return int(connection.execute(sql).fetchall()[0][0])
    except duckdb.CatalogException:
        return 0


def unread(connection: Cursor, log: Path, before: bytes) -> int:
    """Return the number of bytes at the end of a log that DuckDB dropped.

    DuckDB writes over them with the next commit, so the first changed byte is found by bisection.
    """
    connection.execute("CREATE TABLE palate_inspection (x INTEGER)")
    after = log.read_bytes() if log.exists() else b""
    kept, changed = 0, len(before) + 1
    while changed - kept > 1:
        middle = (kept + changed) // 2
        kept, changed = (middle, changed) if after[:middle] == before[:middle] else (kept, middle)
    return len(before) - kept


def salvage(database: Path) -> Finding:
    """Cut the log of a copy to its longest readable beginning, by bisection, and inspect that."""
    log = log_of(database)
    whole, good, bad = log.read_bytes(), 0, log.stat().st_size
    while bad - good > 1:
        middle = (good + bad) // 2
        log.write_bytes(whole[:middle])
        good, bad = (middle, bad) if opens(database) else (good, middle)

    log.write_bytes(whole[:good])
    return inspect(database)


def opens(database: Path) -> bool:
    """Return True if DuckDB opens a database with the log beside it."""
    try:
        connect_with(database, CONFIG, read_only=True).close()
    except duckdb.Error:
        return False
    return True


def contains(database: Path, other: Path) -> Finding:
    """Inspect a database; its problem is a table of which the other one has a row that it lacks.

    Images are left out: those that nothing names are deleted now and then.
    """
    finding = inspect(database, fold=True)
    connection = connect_with(Path(":memory:"), CONFIG)
    for name, path in (("a", database), ("b", other)):
        connection.execute(f"ATTACH '{quoted(path)}' AS {name}")
    tables = f"{TABLES} AND database_name = 'b' AND table_name <> 'images'"
    own = {name for (name,) in connection.execute(f"{TABLES} AND database_name = 'a'").fetchall()}
    for (table,) in connection.execute(tables).fetchall():
        # One of the two may have been written before tables got other names.
        here = table if table in own else OTHER_NAMES.get(table, table)
        rows = f'SELECT * FROM b."{table}" EXCEPT SELECT * FROM a."{here}"'
        if count(connection, f"SELECT count(*) FROM ({rows})"):
            return Finding(problem=f"It lacks rows of {table}.")
    return finding


# The process that asks: everything above runs in the one that is asked


@contextmanager
def scratch_folder(home: Path) -> Iterator[Path]:
    """Yield a temporary folder, inside the studio folder if it can be, so that renames work."""
    try:
        folder = tempfile.mkdtemp(prefix=SCRATCH, dir=home)
    except OSError:
        folder = tempfile.mkdtemp(prefix=SCRATCH)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_scratch(*folders: Path) -> None:
    """Remove what a process that was killed left of its copies."""
    for folder in folders:
        for left in folder.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)


def ask(what: str, *paths: Path) -> Finding:
    """Run one of the inspectors of `answer` in a process of its own, on copies."""
    paths_there = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in paths_there if p)}

    try:
        ran = subprocess.run(
            [sys.executable, "-m", "storage", "inspect", what, *map(str, paths)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(problem=f"DuckDB was not done with it after {LONGEST_S // 60} minutes")

    # Without an answer on its last line the process crashed, which is an answer as well.
    with suppress(ValueError, IndexError, TypeError):
        return Finding(**json.loads(ran.stdout.splitlines()[-1]))
    return Finding(problem=f"DuckDB ended with code {ran.returncode} while it read the file")


def answer(what: str, paths: list[Path]) -> Finding:
    """Run the inspector that `ask` named, and return its finding."""
    inspectors: Mapping[str, Callable[..., Finding]] = {
        "check": check,
        "inspect": inspect,
        "fold": lambda path: inspect(path, fold=True),
        "salvage": salvage,
        "contains": contains,
    }
    try:
        return inspectors[what](*paths)
    except (duckdb.Error, OSError) as error:
        return Finding(problem=first_line(error))


def first_line(error: Exception) -> str:
    """Return the first line of an exception, without the path of the copy that it is about."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(A_PATH, r"\1", re.sub(AROUND, "", line)).rstrip(".")


def logs_of(database: Path) -> list[Path]:
    """Return the logs that are there: while DuckDB folds one into the file there may be two."""
    names = (".wal", ".wal.checkpoint", ".wal.recovery")
    logs = (database.with_name(database.name + name) for name in names)
    return [log for log in logs if os.path.lexists(log)]


def copy_with_logs(database: Path, target: Path, logs: bool = True) -> None:
    """Copy a database that nobody writes to, with its logs."""
    shutil.copyfile(database, target)
    for log in logs_of(database) if logs else []:
        shutil.copyfile(log, target.with_name(target.name + log.name.removeprefix(database.name)))
