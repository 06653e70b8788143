"""Rows of CSV and TSV files, whose first line names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storage.errors import UnreadableData
from storage.layouts.data_rows import DataRow, RowOrReason, no_rows
from storage.layouts.foreign_votes import RowLeftOut
from storage.layouts.json_rows import NOT_UTF8, is_text, open_text

MAX_LINE_LENGTH = 1_000_000
GUARDED = ("'=", "'+", "'-", "'@", "'\t", "'\r", "''")
"""Beginnings of a guarded text, as Palate's own CSV has them, and others'."""
DELIMITERS = ",;\t|"
OTHER_LENGTH = "a row has more or fewer cells than the first line has names"
OPEN_QUOTE = "a quotation mark is not closed in its row"
LONG_CELL = "a cell has more than 131,072 characters"


def csv_rows(path: Path, file: int) -> Iterator[RowOrReason]:
    """Yield the rows of one file, all their values as texts; raises UnreadableData."""
    with open_text(path, "") as text:
        lines = lines_of(text, path.name)
        if not (header := next(lines, "").strip("\r\n")):
            raise no_rows(path.name)
        delimiter = max(DELIMITERS, key=header.count)
        names = names_of(next(csv.reader([header], delimiter=delimiter)), path.name)

        rows = csv.reader(lines, delimiter=delimiter)
        number = before = 0
        while (row := next_row(rows)) is not None:
            taken, before = rows.line_num - before, rows.line_num
            if row:
                found = rows_of(row, names, file, number, taken)
                yield from found
                number += len(found)


def names_of(names: list[str], file: str) -> list[str]:
    """Return the names of the columns; raises UnreadableData for one that stands twice."""
    names = [name.strip() for name in names]
    if double := next((name for name in names if name and names.count(name) > 1), ""):
        raise UnreadableData(f"{file} has two columns {double[:100]!r}. Rename one of them.")
    return names


def next_row(rows: Iterator[list[str]]) -> list[str] | str | None:
    """Return the next row, or the reason why it cannot be read; None at the end."""
    try:
        return next(rows, None)
    except csv.Error:
        return LONG_CELL


def rows_of(
    row: list[str] | str, names: list[str], file: int, number: int, lines: int
) -> list[RowOrReason]:
    """Return a row, or where it has taken several lines in vain, a reason for each of them."""
    found = row_of(row, names, file, number)
    if lines > 1 and isinstance(found, RowLeftOut) and found.reason in (OTHER_LENGTH, LONG_CELL):
        # Behind an open quotation mark each line may have been a row.
        return [RowLeftOut(file, number + line, OPEN_QUOTE) for line in range(lines)]
    return [found]


def row_of(row: list[str] | str, names: list[str], file: int, number: int) -> RowOrReason:
    """Return the cells of a row under the names of their columns."""
    if isinstance(row, str):
        return RowLeftOut(file, number, row)
    if len(row) != len(names):
        return RowLeftOut(file, number, OTHER_LENGTH)
    if not all(map(is_text, row)):
        return RowLeftOut(file, number, NOT_UTF8)
    cells = zip(names, map(without_guard, row), strict=True)
    return DataRow(file, number, {name: cell or None for name, cell in cells if name})


def without_guard(cell: str) -> str:
    """Return a text without the apostrophe that keeps spreadsheets from running it as a formula."""
    return cell[1:] if cell.startswith(GUARDED) else cell


def lines_of(text: IO[str], name: str) -> Iterator[str]:
    """Yield lines with their ends; raises UnreadableData for one that is too long."""
    while line := text.readline(MAX_LINE_LENGTH):
        if len(line) == MAX_LINE_LENGTH and not line.endswith(("\n", "\r")):
            raise UnreadableData(
                f"{name} has a line of more than {MAX_LINE_LENGTH:,} characters. "
                "Look whether it is CSV."
            )
        yield line
