"""Contents of the images of exported votes: files of the studio, and cells of Parquet files."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from storage.errors import BrokenStudio
from storage.exports.exported_votes import ExportedImage
from storage.layouts.parquet_files import ParquetFiles, Row, open_parquet

AHEAD = 1_000
"""Rows that are read on to reach a later one, rather than to look it up on its own."""


class ImageBytes:
    """Reads images one at a time; those of a Parquet file fastest in the order of its rows.

    To be closed after use.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._tables: dict[Path, TableRows] = {}

    def close(self) -> None:
        """Close the Parquet files that were opened."""
        self._stack.close()
        self._tables.clear()

    def __enter__(self) -> "ImageBytes":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read(self, image: ExportedImage) -> bytes:
        """Return the bytes of an image; raises BrokenStudio if they are not those voted on."""
        place = image.place
        try:
            if place.row is None:
                content = place.file.read_bytes()
            else:
                content = self._table(place.file).cell(place.row, place.column)
        except FileNotFoundError:
            content = b""
        if hashlib.sha256(content).hexdigest() != image.sha256:
            raise BrokenStudio(
                f"The image {image.name} went away or was changed while the export was written. "
                "Export again: votes on images that are gone are left out."
            )
        return content

    def _table(self, path: Path) -> "TableRows":
        if path not in self._tables:
            # One at a time: a source is read file by file, and each takes memory of its own.
            self.close()
            self._tables[path] = TableRows(self._stack.enter_context(open_parquet([path])))
        return self._tables[path]


class TableRows:
    """Cells of a Parquet file that are asked for in about the order of its rows."""

    def __init__(self, files: ParquetFiles) -> None:
        self._files = files
        self._columns: list[str] = []
        self._batches: Iterator[list[Row]] = iter(())
        self._window: dict[int, Row] = {}
        self._next = 0

    def cell(self, row: int, column: str) -> bytes:
        """Return the bytes in a cell; b"" where there are none."""
        if column not in self._columns:
            # Read from here on with the column: a file has two or a few of images.
            self._columns.append(column)
            self._start(row)
        if row not in self._window:
            self._reach(row)
        found = self._window.get(row)
        content = found[1 + self._columns.index(column)] if found else None
        return bytes(content) if isinstance(content, bytes | bytearray) else b""

    def _start(self, row: int) -> None:
        self._window = {}
        self._batches = self._files.batches(0, self._columns, first=row)
        self._next = row

    def _reach(self, row: int) -> None:
        """Read on to a row, or begin again at it."""
        if not self._next <= row < self._next + AHEAD:
            self._start(row)
        for batch in self._batches:
            self._window = {read[0]: read for read in batch}
            self._next = batch[-1][0] + 1
            if row < self._next:
                return
