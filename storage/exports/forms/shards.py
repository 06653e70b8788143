"""Parquet files with images in their cells, each of a part of the rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from storage.database import quoted
from storage.exports.pickapic_columns import Column
from storage.layouts.parquet_files import connect

SHARD_BYTES = 128_000_000
"""Bytes of images after which a file ends. DuckDB makes groups of up to 2,048 rows, and whoever
reads a file holds a group of it in memory."""
SHARD_ROWS = 20_480
MEMORY = "768MB"
"""For the rows of a file, and for what the writer makes of them."""


class Shards:
    """Writes rows to files NAME-00000-of-00002.parquet; to be closed after use."""

    def __init__(self, folder: Path, name: str, columns: Sequence[Column]) -> None:
        self._folder, self._name, self._columns = folder, name, columns
        self._connection = connect(MEMORY)
        self._parts: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._begin()

    def __enter__(self) -> "Shards":
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def add(self, row: Sequence[Any], size: int) -> None:
        """Add a row with the values of the columns in their order, and the bytes of its images."""
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO rows VALUES ({marks})", list(row))
        self._rows += 1
        self._bytes += size
        if self._bytes >= SHARD_BYTES or self._rows >= SHARD_ROWS:
            self._write()

    def finish(self) -> None:
        """Write what is left, and name all files by their number."""
        if self._rows or not self._parts:
            self._write()
        for number, part in enumerate(self._parts):
            name = f"{self._name}-{number:05d}-of-{len(self._parts):05d}.parquet"
            part.rename(part.with_name(name))

    def _begin(self) -> None:
        columns = ", ".join(f'"{column.name}" {column.type}' for column in self._columns)
        self._connection.execute(f"CREATE OR REPLACE TABLE rows ({columns})")
        self._bytes = self._rows = 0

    def _write(self) -> None:
        """Write the rows so far to a file of their own."""
        path = self._folder / f"part-{len(self._parts):05d}"
        # Images are compressed already; zstd makes what repeats in the other columns small.
        self._connection.execute(
            f"COPY rows TO '{quoted(path)}' (FORMAT parquet, COMPRESSION zstd)"
        )
        self._parts.append(path)
        self._begin()
