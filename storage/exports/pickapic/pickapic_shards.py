"""Parquet files written row by row in bounded memory: small groups of rows, files of 500 MB.

DuckDB writes a file from one query and holds a group of rows meanwhile, whatever the images in it
take. So rows are gathered into parts of a few hundred rows, and parts are joined into files, which
keeps their groups.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from storage.database import quoted
from storage.exports.pickapic_columns import Column
from storage.layouts.parquet_files import Cursor, connect, literal_glob, open_parquet

GROUP_ROWS = 256
"""Rows of a group: a reader has to decode all of them to get at one."""
GROUP_BYTES = 32_000_000
"""Bytes of images after which a group ends, however few rows it has."""
SHARD_BYTES = 450_000_000
"""Bytes of parts after which a file ends; the next part adds at most one group."""
MEMORY = "512MB"
ATOMS = frozenset((str, int, float, bool, type(None)))
"""Types of values without parts."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A file that was written: its rows, and a digest of every value in them."""

    path: Path
    rows: int
    digest: str


@dataclass
class RowDigest:
    """A digest of rows in their order, the same for what is written and for what is read back."""

    rows: int = 0
    _sum: Any = field(default_factory=hashlib.sha256)

    def add(self, row: Sequence[Any]) -> None:
        """Take a row in."""
        self.rows += 1
        self._sum.update(repr([plain(value) for value in row]).encode())

    def text(self) -> str:
        """Return the digest of all rows so far."""
        return str(self._sum.hexdigest())


def plain(value: Any) -> Any:
    """Return a value as it is written into a digest: bytes by their own, numbers by their value."""
    # Most values are these, and a million rows have fifty million of them.
    if type(value) in ATOMS:
        return value
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, dict):
        return sorted((name, plain(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


class ShardWriter:
    """Writes the rows of one split. The files get their names when their number is known."""

    def __init__(self, folder: Path, split: str, columns: Sequence[Column]) -> None:
        self._folder, self._split = folder, split
        self._columns = columns
        self._parts_folder = folder / f".{split}-parts"
        self._parts: list[Path] = []
        self._smallest = GROUP_ROWS
        """Rows of the smallest part that is full: so many fit into the memory of a group."""
        self._rows: list[Sequence[Any]] = []
        self._row_bytes = self._part_bytes = self._number = 0
        self._digest = RowDigest()
        self._shards: list[Shard] = []
        self._connection = connect(MEMORY)
        self._parts_folder.mkdir(parents=True)

    def add(self, row: Sequence[Any]) -> None:
        """Take a row with the values of the columns in their order."""
        self._rows.append(row)
        self._digest.add(row)
        self._row_bytes += sum(map(size_of, row))
        if len(self._rows) >= GROUP_ROWS or self._row_bytes >= GROUP_BYTES:
            self._smallest = min(self._smallest, len(self._rows))
            self._end_part()
        if self._part_bytes >= SHARD_BYTES:
            self._end_shard()

    def finish(self) -> list[Shard]:
        """Write what is left, and return the files under their names: at least one."""
        if self._rows or not self._shards:
            self._end_part()
        if self._parts:
            self._end_shard()
        self._connection.close()
        shutil.rmtree(self._parts_folder)

        of = len(self._shards)
        shards = []
        for number, shard in enumerate(self._shards):
            name = f"{self._split}-{number:05d}-of-{of:05d}.parquet"
            shards.append(Shard(shard.path.replace(self._folder / name), shard.rows, shard.digest))
        return shards

    def _end_part(self) -> None:
        """Write the rows that are held as a small file of their own."""
        self._number += 1
        part = self._parts_folder / f"{self._number:07d}.parquet"
        with closing(self._connection.cursor()) as cursor:
            names = ", ".join(f'"{column.name}" {column.type}' for column in self._columns)
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE part ({names})")
            if self._rows:
                values = [list(column) for column in zip(*self._rows, strict=True)]
                cursor.execute(f"INSERT INTO part SELECT {unnested(self._columns)}", values)
            write(cursor, "SELECT * FROM part", part, GROUP_ROWS)
            cursor.execute("DROP TABLE part")

        self._parts.append(part)
        self._part_bytes += part.stat().st_size
        self._rows, self._row_bytes = [], 0

    def _end_shard(self) -> None:
        """Join the parts into a file, and take them away."""
        path = self._folder / f".{self._split}-{len(self._shards):05d}.parquet"
        if len(self._parts) == 1:
            os.replace(self._parts[0], path)
        else:
            with closing(self._connection.cursor()) as cursor:
                names = [literal_glob(part) for part in self._parts]
                write(cursor, "SELECT * FROM read_parquet(?)", path, self._smallest, [names])
        for part in self._parts:
            part.unlink(missing_ok=True)

        self._shards.append(Shard(path, self._digest.rows, self._digest.text()))
        self._parts, self._part_bytes, self._digest = [], 0, RowDigest()
        self._smallest = GROUP_ROWS


def size_of(value: Any) -> int:
    """Return the bytes of the images in a value."""
    if type(value) in ATOMS:
        return 0
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, list):
        return sum(map(size_of, value))
    return sum(map(size_of, value.values())) if isinstance(value, dict) else 0


def unnested(columns: Sequence[Column]) -> str:
    """Return the expressions that make rows of lists of values, one list a column."""
    return ", ".join(f"unnest(?::{column.type}[])" for column in columns)


def write(
    cursor: Cursor, query: str, path: Path, group: int, parameters: Sequence[Any] = ()
) -> None:
    """Write the rows of a query into a file, in groups of so many.

    Whoever gives the whole export its name brings it to the disk before.
    """
    cursor.execute(
        f"COPY ({query}) TO '{quoted(path)}' (FORMAT parquet, ROW_GROUP_SIZE {group})",
        list(parameters),
    )


def rows_of(shard: Shard, columns: Sequence[Column]) -> Iterator[Sequence[Any]]:
    """Read a file back, row by row."""
    with open_parquet([shard.path]) as files:
        for batch in files.batches(0, [column.name for column in columns]):
            for _, *row in batch:
                yield row
