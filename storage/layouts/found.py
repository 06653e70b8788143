"""Found data: the files that somebody gave, what is in them, and their layout by its signs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from storage.errors import UnreadableData
from storage.layouts.csv_rows import csv_rows
from storage.layouts.data_rows import (
    Cells,
    DataRow,
    RowOrReason,
    cells_of_rows,
    cells_of_types,
    no_rows,
)
from storage.layouts.foreign_votes import RowLeftOut
from storage.layouts.forms.folder_rows import found_sides, images_in
from storage.layouts.guess import guess_mapping
from storage.layouts.inputs import FileKind, find_files
from storage.layouts.json_rows import json_rows
from storage.layouts.mapping import ColumnMapping
from storage.layouts.parquet_files import open_parquet

SAMPLE_ROWS = 200
"""Rows of each file by which its columns are known, where nothing else names them."""
SAMPLED_FILES = 20


@dataclass(frozen=True, slots=True)
class FoundData:
    """Files of one kind, read in this order."""

    kind: FileKind
    files: tuple[Path, ...]
    """A folder of better and of worse images is its only file."""
    columns: tuple[str, ...]
    cells: Cells
    """Columns, and paths into those that are objects, each with what it holds."""
    rows: int | None
    """Rows of all files; None where they would have to be counted."""
    guess: ColumnMapping | None
    """The mapping that the names of the columns suggest; None if they suggest nothing."""
    beside: tuple[Path, ...] = ()
    """Where each file was when its images lay beside it; empty if it is there still."""


def find_data(given: Sequence[str | Path]) -> FoundData:
    """Return what is in files, folders or patterns; raises UnreadableData.

    No image is read, and of JSON and CSV only the first rows.
    """
    kind, paths = find_files(given)
    files = tuple(paths)
    rows: int | None = None
    if kind == "folders":
        better, worse = map(images_in, found_sides(files[0]))
        if not better and not worse:
            raise no_images(files[0].name)
        return FoundData(kind, files, (), {}, len(better), ColumnMapping("folders", {}))

    if kind == "parquet":
        with open_parquet(files) as opened:
            cells, rows = cells_of_types(opened.columns), opened.rows
            columns = tuple(opened.columns)
    else:
        seen = list(sample(files))
        sampled = [row for row in seen if isinstance(row, DataRow)]
        if seen and not sampled:
            raise unreadable_rows(seen)
        cells = cells_of_rows(row.values for row in sampled)
        columns = tuple(dict.fromkeys(name for row in sampled for name in row.values))
    if not cells or rows == 0:
        raise no_rows(files[0].name)
    return FoundData(kind, files, columns, cells, rows, guess_mapping(cells))


def no_images(name: str) -> UnreadableData:
    """Return the error of folders of better and of worse images that are empty."""
    return UnreadableData(
        f"There is no image in the folders of {name}. Put PNG, JPEG or WebP files into them; "
        "folders in these folders are not looked into."
    )


def unreadable_rows(rows: Sequence[RowOrReason]) -> UnreadableData:
    """Return the error of files whose first rows give a reason each, and no row."""
    reasons = dict.fromkeys(row.reason for row in rows if isinstance(row, RowLeftOut))
    return UnreadableData(
        f"No row can be read: {', '.join(list(reasons)[:3])}. Look whether it is the right file."
    )


def sample(files: Sequence[Path]) -> Iterator[RowOrReason]:
    """Yield the first rows of the first files."""
    for number, path in enumerate(files[:SAMPLED_FILES]):
        yield from islice(rows_of_file(path, number), SAMPLE_ROWS)


def rows_of_file(path: Path, number: int) -> Iterator[RowOrReason]:
    """Yield the rows of a file of JSON or CSV, each with all that is in it."""
    if path.suffix.lower() in (".csv", ".tsv"):
        return csv_rows(path, number)
    return json_rows(path, number)
