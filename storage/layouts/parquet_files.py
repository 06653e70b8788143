"""Parquet files of others, read in order and in batches by a DuckDB that has no database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from storage.errors import UnreadableData

Row: TypeAlias = tuple[Any, ...]
Cursor = duckdb.DuckDBPyConnection

MEMORY = "2GB"
"""Memory that DuckDB may take; what does not fit is refused, since nothing is written to the disk.

It takes some three times a group of rows, up to 2,048 of them, and their pages: 130 MB in all for
groups of 100 images of 50 kB, 400 MB for groups of 1,000.
"""
MAX_TEXT_LENGTH = 1_000_000
"""Characters of a text that are read: a dictionary may repeat one of many megabytes in each row."""
MAX_CELL_BYTES = 64_000_000
"""Bytes of a cell; larger ones are read as if they were empty."""
FETCH_ROWS = 16
"""Rows that become Python's objects at once."""
PARTS = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]")
"""Path into a nested column: `.bytes` of an object, `[1]` of a list, from 0."""
FAILURES = (duckdb.Error, OverflowError, ValueError, ImportError, RuntimeError)
"""Of DuckDB, and of values and names that it cannot give to Python: a date of the year 300,000."""


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """Open files of one schema.

    A cell is the name of a column, or a path into a nested one: `chosen.bytes`, `images[1].bytes`.
    """

    paths: tuple[Path, ...]
    columns: Mapping[str, str]
    """DuckDB's type of each column by its name, such as STRUCT(bytes BLOB, path VARCHAR)."""
    row_counts: tuple[int, ...]
    """Rows of each file."""
    connection: Cursor = field(repr=False)

    @property
    def rows(self) -> int:
        """Number of rows of all files."""
        return sum(self.row_counts)

    def batches(
        self, file: int, cells: Sequence[str], first: int = 0, count: int | None = None
    ) -> Iterator[list[Row]]:
        """Yield the rows of one file, in order, a few at a time.

        Each row is its number in the file, from 0, and then the value of each cell. Timestamps are
        in UTC and without a zone.

        Args:
            file: index of the file in `paths`.
            cells: what to read; other columns are not decoded.
            first: number of the row to begin with.
            count: rows to read, or None for all that follow.

        Raises:
            UnreadableData: the file is damaged, needs more than `MEMORY`, or has no such cell.
        """
        path, last = self.paths[file], self.row_counts[file]
        last = last if count is None else min(last, first + count)
        with readable(path), closing(self.connection.cursor()) as cursor:
            query = f"SELECT file_row_number, {self._selected(cursor, path, cells)} {OF_ROWS}"
            cursor.execute(query, [literal_glob(path), first, last])
            while batch := cursor.fetchmany(FETCH_ROWS):
                yield batch

    def _selected(self, cursor: Cursor, path: Path, cells: Sequence[str]) -> str:
        """Return the expressions of cells, each with what keeps its values within limits."""
        expressions = [expression(cell, self.columns) for cell in cells]
        try:
            types = types_of(cursor, path, expressions)
        except duckdb.BinderException as error:
            raise UnreadableData(
                f"{path.name} has no {' or no '.join(cells)[:300]} in its columns. Choose others."
            ) from error
        return ", ".join(map(bounded, expressions, types)) or "NULL"


OF_ROWS = """
    FROM read_parquet(?, file_row_number = true, hive_partitioning = false)
    WHERE file_row_number >= ? AND file_row_number < ?
"""


@contextmanager
def open_parquet(paths: Sequence[Path], memory: str = MEMORY) -> Iterator[ParquetFiles]:
    """Open files, in the order in which they are given, and close them at the end.

    Raises:
        UnreadableData: a file is missing, is no Parquet, is damaged, or has other columns than the
            first one.
    """
    files = tuple(path.resolve() for path in paths)
    with closing(connect(memory)) as connection:
        columns: dict[str, str] = {}
        counts = []
        for path in files:
            with readable(path):
                own = schema_of(connection, path)
                counts.append(row_count(connection, path))
            columns = columns or own
            if own != columns:
                raise UnreadableData(difference(files[0], columns, path, own))

        yield ParquetFiles(files, columns, tuple(counts), connection)


def connect(memory: str = MEMORY) -> Cursor:
    """Open a DuckDB of its own, in memory, that fetches nothing and writes nothing to the disk."""
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": memory,
            # Each thread decodes a group of rows of its own, and a trainer may be at work.
            "threads": 1,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def schema_of(connection: Cursor, path: Path) -> dict[str, str]:
    """Return DuckDB's type of each column of a file; raises DuckDB's errors."""
    found = connection.sql(
        "SELECT * FROM read_parquet(?, hive_partitioning = false) LIMIT 0",
        params=[literal_glob(path)],
    )
    return dict(zip(found.columns, map(str, found.types), strict=True))


def row_count(connection: Cursor, path: Path) -> int:
    """Return the number of rows that a file says it has; raises DuckDB's errors."""
    query = "SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata(?)"
    return int(connection.execute(query, [literal_glob(path)]).fetchall()[0][0])


def types_of(cursor: Cursor, path: Path, expressions: Sequence[str]) -> list[str]:
    """Return DuckDB's type of each expression over the rows of a file."""
    if not expressions:
        return []
    query = f"SELECT {', '.join(expressions)} FROM read_parquet(?) LIMIT 0"
    return list(map(str, cursor.sql(query, params=[literal_glob(path)]).types))


def column_of(cell: str, columns: Mapping[str, str]) -> str:
    """Return the column of a cell, the longest that fits: names of columns may hold dots.

    Raises UnreadableData if there is none.
    """
    fitting = [c for c in columns if cell == c or cell.startswith((f"{c}.", f"{c}["))]
    if not fitting:
        raise UnreadableData(f"There is no column {cell!r}. There are {', '.join(columns)}.")
    return max(fitting, key=len)


def parts_of(cell: str, columns: Mapping[str, str]) -> list[str | int]:
    """Return the path of a cell: its column, then names in objects and numbers in lists, from 0.

    Raises UnreadableData for one that is not well-formed, or in no column.
    """
    column = column_of(cell, columns)
    rest, parts = cell[len(column) :], list[str | int]([column])
    while rest:
        if not (part := PARTS.match(rest)):
            raise UnreadableData(f"{cell!r} names no cell. Write column.name or column[0].")
        parts.append(part[1] if part[1] else int(part[2]))
        rest = rest[part.end() :]
    return parts


def expression(cell: str, columns: Mapping[str, str]) -> str:
    """Return the SQL of a cell, with every name in quotes; raises UnreadableData."""
    column, *path = parts_of(cell, columns)
    sql = '"' + str(column).replace('"', '""') + '"'
    for part in path:
        if isinstance(part, int):
            sql = f"list_extract({sql}, {part + 1})"
        else:
            name = part.replace("'", "''")
            sql = f"struct_extract({sql}, '{name}')"
    return sql


def bounded(sql: str, kind: str) -> str:
    """Return the SQL of a cell whose values stay within limits, by DuckDB's type of it."""
    if kind == "VARCHAR":
        short = f"left({sql}, {MAX_TEXT_LENGTH})"
        return f"CASE WHEN strlen({sql}) > {MAX_TEXT_LENGTH} THEN {short} ELSE {sql} END"
    if kind == "BLOB":
        return f"CASE WHEN octet_length({sql}) <= {MAX_CELL_BYTES} THEN {sql} END"
    if kind == "TIMESTAMP WITH TIME ZONE":
        # Python would need a package of time zones for it.
        return f"make_timestamp(epoch_us({sql}))"
    return sql


def literal_glob(path: Path) -> str:
    """Return a path as a pattern that matches this file alone: DuckDB takes every name for one."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what DuckDB says of a file into UnreadableData with its name."""
    if not path.is_file():
        raise UnreadableData(f"{path.name} is not there, or is no file. Look at its path.")
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise UnreadableData(
            f"{path.name} needs more than {MEMORY} of memory to be read. Write it again with "
            "smaller groups of rows, such as 100 rows."
        ) from error
    except FAILURES as error:
        raise UnreadableData(
            f"{path.name} cannot be read as Parquet: {first_line(error)}. "
            "Fetch or write the file again."
        ) from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error as a part of a sentence."""
    text = next(iter(str(error).splitlines()), type(error).__name__)
    with suppress(ValueError):
        # DuckDB begins with the kind of its errors: "Invalid Input Error: No magic bytes ...".
        kind, told = text.split(": ", 1)
        text = told if kind.endswith("Error") else text
    return text[:200].rstrip(".")


def difference(first: Path, columns: Mapping[str, str], path: Path, own: Mapping[str, str]) -> str:
    """Return the sentence that says how the columns of two files differ."""
    missing, more = columns.keys() - own.keys(), own.keys() - columns.keys()
    other = next((name for name in columns if own.get(name) != columns[name]), "")
    if missing or more:
        names = ", ".join(sorted(missing or more)[:5])
        told = f"{path.name} has {'no' if missing else 'also'} column {names}, unlike {first.name}"
    else:
        told = f"{other} is {own[other]} in {path.name} and {columns[other]} in {first.name}"
    return f"{told}. Bring in files of one kind at a time."
