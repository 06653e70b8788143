"""Rows of Parquet files, with no more of an image decoded than is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from storage.layouts.data_rows import IMAGE_BYTES, UNREAD, DataRow, cells_of_types, fields_of
from storage.layouts.parquet_files import ParquetFiles, open_parquet


def parquet_rows(paths: Sequence[Path], cells: Sequence[str], content: bool) -> Iterator[DataRow]:
    """Yield the rows of Parquet files; raises UnreadableData.

    Args:
        paths: the files, which have one schema.
        cells: the cells to read.
        content: whether to read the bytes of images; `UNREAD` stands for them otherwise.
    """
    with open_parquet(paths) as files:
        plans = [Plan(files, cell, content) for cell in cells]
        read = list(dict.fromkeys(cell for plan in plans for cell in plan.cells))
        for file in range(len(paths)):
            for batch in files.batches(file, read):
                for number, *values in batch:
                    found = dict(zip(read, values, strict=True))
                    row = {plan.cell: plan.value(found) for plan in plans}
                    yield DataRow(file, number, row)


class Plan:
    """What to read of a cell: the fields of an image apart, so that its bytes keep to limits."""

    def __init__(self, files: ParquetFiles, cell: str, content: bool) -> None:
        self.cell = cell
        self._fields: dict[str, str] = {}
        kind = cells_of_types(files.columns).get(cell)
        self._unread = not content and kind in ("bytes", "image")

        if kind == "image":
            names = fields_of(files.columns[cell]) if cell in files.columns else {IMAGE_BYTES: ""}
            self._fields = {name: f"{cell}.{name}" for name in names if name in ("bytes", "path")}
        if self._unread:
            self._fields.pop(IMAGE_BYTES, None)
            self.cells = list(self._fields.values())
        else:
            self.cells = list(self._fields.values()) or [cell]

    def value(self, found: dict[str, Any]) -> Any:
        """Return the value of the cell, of the values that were read."""
        if self._fields:
            fields = {name: found[cell] for name, cell in self._fields.items()}
            return {IMAGE_BYTES: UNREAD, **fields} if self._unread else fields
        return UNREAD if self._unread else found[self.cell]
