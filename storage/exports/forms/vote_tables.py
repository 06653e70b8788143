"""All votes as one table, with the images as files beside it: JSON lines, or CSV."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TextIO

from storage.exports.exported_votes import ExportedVote
from storage.exports.forms.form import Form, check_images, hash_in
from storage.exports.forms.vote_columns import COLUMNS, row_of

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""Beginnings of a text that a spreadsheet would run as a formula, and the mark against it."""
NESTED_COLUMNS = frozenset(
    {
        *(
            "more_images",
            "ranks",
            "reasons",
            "criteria",
            "image_ids",
            "versions",
            "sizes",
            "recipes",
        ),
        "details",
    }
)
"""Columns that are JSON in a cell of CSV."""
NUMBERS = frozenset({"share", "strength", "weight", "response_ms", "in_a_row", "propensity"})
TRUTHS = frozenset({"flagged"})
NULLS = frozenset({"created_at", "selection_rule", *NUMBERS})
"""Columns whose empty cell says that there is no value."""
LONGEST_CELL = 2**30
NUMBER = {"number": "The order of the rows is kept, the numbers of an export are not."}


class JsonLines(Form):
    """One JSON object a line."""

    title = "All votes as JSON lines, with the images beside"
    read_by = "programs of your own, jq, pandas.read_json(lines=True)"
    loses: ClassVar = NUMBER
    file: ClassVar = "votes.jsonl"

    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write one line and the images of each vote."""
        with (work / self.file).open("w", encoding="utf-8", newline="") as file:
            self.begin(file)
            for vote in votes:
                row = row_of(vote, lambda image: self.put_image(work, image))
                self.written.add(row)
                self.put(file, row)

    def begin(self, file: TextIO) -> None:
        """Write what stands before the rows."""

    def put(self, file: TextIO, row: dict[str, Any]) -> None:
        """Write a row, in plain ASCII so that no reader can split a line wrongly."""
        file.write(json.dumps(row) + "\n")

    def read(self, work: Path) -> Iterator[dict[str, Any]]:
        """Yield the rows; raises BrokenExport if an image is missing or is another."""
        with (work / self.file).open(encoding="utf-8", newline="") as file:
            for row in self.rows(file):
                for name in (row["image_0"], row["image_1"], *row["more_images"]):
                    hash_in(work, name)
                yield row
        check_images(work)

    def rows(self, file: TextIO) -> Iterator[dict[str, Any]]:
        """Yield the rows of a file."""
        for line in file:
            yield json.loads(line)


class Csv(JsonLines):
    """Comma-separated values, as RFC 4180 has them: lists are JSON in their cells."""

    title = "All votes as CSV, with the images beside"
    read_by = "spreadsheets, pandas.read_csv, R"
    loses: ClassVar = NUMBER
    file: ClassVar = "votes.csv"

    def begin(self, file: TextIO) -> None:
        """Write the names of the columns."""
        csv.writer(file).writerow(COLUMNS)

    def put(self, file: TextIO, row: dict[str, Any]) -> None:
        """Write a row, with no text that a spreadsheet would run."""
        csv.writer(file).writerow([cell_of(name, row[name]) for name in COLUMNS])

    def rows(self, file: TextIO) -> Iterator[dict[str, Any]]:
        """Yield the rows with the values that were written."""
        # Of the whole process, so it is put back: a recipe may be longer than its 128 kB.
        before = csv.field_size_limit(LONGEST_CELL)
        try:
            for row in csv.DictReader(file):
                yield {name: value_of(name, cell) for name, cell in row.items()}
        finally:
            csv.field_size_limit(before)


def cell_of(name: str, value: Any) -> str:
    """Return the text of a cell; an apostrophe stands before one that a spreadsheet would run."""
    if value is None:
        return ""
    if name in NESTED_COLUMNS:
        return json.dumps(value)
    if name in NUMBERS | TRUTHS:
        return json.dumps(value)
    return f"'{value}" if value.startswith(FORMULA) else str(value)


def value_of(name: str, cell: str) -> Any:
    """Return the value of a cell that `cell_of` gave."""
    if name in NULLS and not cell:
        return None
    if name in NESTED_COLUMNS | NUMBERS | TRUTHS:
        return json.loads(cell)
    return cell.removeprefix("'")
