"""Rows of data files, whichever kind of file they are in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from storage.errors import UnreadableData
from storage.layouts.foreign_votes import RowLeftOut
from storage.layouts.parquet_files import parts_of
from storage.layouts.values import parsed

CellKind: TypeAlias = Literal[
    "text", "number", "yes or no", "time", "bytes", "image", "list", "object"
]
Cells: TypeAlias = dict[str, CellKind]
"""The columns of a file and the paths into those that are objects, each with what it holds."""

UNREAD = b""
"""Stands for the bytes of an image that were not asked for."""
MAX_CELLS = 500
MAX_DEPTH = 3
"""Objects within objects whose fields are listed."""
KINDS: dict[str, CellKind] = {
    "VARCHAR": "text",
    "UUID": "text",
    "BLOB": "bytes",
    "BOOLEAN": "yes or no",
    "DATE": "time",
}
NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|FLOAT$|DOUBLE$|DECIMAL\(")
IMAGE_BYTES = "bytes"
IMAGE_NAMES = ("path", "file_name", "filename", "src", "url", "image")
"""Fields of an object that stands for an image; the bytes win."""


@dataclass(frozen=True, slots=True)
class DataRow:
    """A row, with the values of the cells that were asked for."""

    file: int
    """Index of its file among those that are read."""
    row: int
    """Number in that file, from 0."""
    values: Mapping[str, Any]
    """By cell."""


RowOrReason: TypeAlias = DataRow | RowLeftOut


def picked(
    rows: Iterable[RowOrReason], cells: Sequence[str], columns: Iterable[str]
) -> Iterator[RowOrReason]:
    """Yield rows with the values of some cells alone, None where a row has none.

    Raises UnreadableData for a cell that no row has.
    """
    known = dict.fromkeys(columns, "")
    paths = [(cell, parts_of(cell, known)) for cell in cells]
    for row in rows:
        if isinstance(row, DataRow):
            values = {cell: value_at(row.values, path) for cell, path in paths}
            row = DataRow(row.file, row.row, values)
        yield row


def value_at(value: Any, path: Sequence[str | int]) -> Any:
    """Return the value at a path into objects and lists; None if there is none."""
    for part in path:
        if isinstance(part, int):
            there = isinstance(value, (list, tuple)) and part < len(value)
            value = value[part] if there else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def cells_of_rows(rows: Iterable[Mapping[str, Any]]) -> Cells:
    """Return the cells of some rows, by the values that are in them."""
    cells: Cells = {}
    for row in rows:
        for name, value in row.items():
            add_cells(cells, name, value)
    return cells


def add_cells(cells: Cells, name: str, value: Any, depth: int = 0) -> None:
    """Add a cell and, where it is an object, its fields."""
    if value is None or len(cells) >= MAX_CELLS:
        # A column that is empty so far is there nevertheless.
        cells.setdefault(name, "text") if len(cells) < MAX_CELLS else None
        return
    kind = kind_of_value(value)
    if cells.get(name, "text") == "text":
        cells[name] = kind
    if kind == "object" and depth < MAX_DEPTH:
        for field, entry in value.items():
            add_cells(cells, f"{name}.{field}", entry, depth + 1)


def kind_of_value(value: Any) -> CellKind:
    """Return what a value of JSON is."""
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list) or is_list_text(value):
        return "list"
    if isinstance(value, bool):
        return "yes or no"
    return "number" if isinstance(value, (int, float)) else "text"


def is_list_text(value: Any) -> bool:
    """Return whether a value is a list that is written as JSON, as in cells of CSV."""
    if not isinstance(value, str) or not (value.startswith("[") and value.endswith("]")):
        return False
    return isinstance(parsed(value), list)


def cells_of_types(types: Mapping[str, str]) -> Cells:
    """Return the cells of columns by DuckDB's types."""
    cells: Cells = {}
    for name, kind in types.items():
        add_typed(cells, name, kind)
    return cells


def add_typed(cells: Cells, name: str, kind: str, depth: int = 0) -> None:
    """Add a cell of one of DuckDB's types and, where it is an object, its fields."""
    if len(cells) >= MAX_CELLS:
        return
    cells[name] = kind_of_type(kind)
    if cells[name] == "object" and depth < MAX_DEPTH:
        for field, inner in fields_of(kind).items():
            add_typed(cells, f"{name}.{field}", inner, depth + 1)


def kind_of_type(kind: str) -> CellKind:
    """Return what a column of one of DuckDB's types holds."""
    if kind.endswith("]"):
        return "list"
    if kind.startswith("STRUCT("):
        return "image" if fields_of(kind).get(IMAGE_BYTES) == "BLOB" else "object"
    if kind.startswith("TIMESTAMP"):
        return "time"
    return "number" if NUMBERS.match(kind) else KINDS.get(kind, "object")


def fields_of(kind: str) -> dict[str, str]:
    """Return the fields of DuckDB's type of an object, each with its type.

    `STRUCT(bytes BLOB, "a b" STRUCT(c VARCHAR)[])` has the fields `bytes` and `a b`.
    """
    fields: dict[str, str] = {}
    if not kind.startswith("STRUCT(") or not kind.endswith(")"):
        return fields
    for part in split_fields(kind.removeprefix("STRUCT(")[:-1]):
        if part.startswith('"'):
            name, _, inner = part[1:].partition('" ')
        else:
            name, _, inner = part.partition(" ")
        fields[name.replace('""', '"')] = inner
    return fields


def split_fields(text: str) -> Iterator[str]:
    """Yield the parts between the commas of a type that are in no brackets and no quotes."""
    start = depth = 0
    quoted = False
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += (character in "([") - (character in ")]")
            if character == "," and depth == 0:
                yield text[start:place].strip()
                start = place + 1
    if text[start:].strip():
        yield text[start:].strip()


def no_rows(name: str) -> UnreadableData:
    """Return the error of a file in which there is nothing."""
    return UnreadableData(f"{name} holds no rows. Look whether it is the right file.")
