"""Rows of JSON and of JSON Lines, read a part at a time: files of data sets may be gigabytes."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from storage.errors import UnreadableData
from storage.layouts.data_rows import DataRow, RowOrReason
from storage.layouts.foreign_votes import RowLeftOut
from storage.safe_files import SkippedFile, open_regular

LINES = (".jsonl", ".ndjson")
MAX_VALUE_LENGTH = 64_000_000
"""Characters of one row: images may be in it, as base64."""
CHUNK = 1 << 20
SPACE = " \t\r\n,"
BROKEN_LINE = "a line is no JSON"
LONG_LINE = "a line has more than 64 million characters"
NO_OBJECT = "a row is no object with names and values"
NOT_UTF8 = "a row is not in UTF-8"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, since its mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@contextmanager
def open_text(path: Path, newline: str) -> Iterator[IO[str]]:
    """Open a text file, in UTF-8 or as its byte order mark says; raises UnreadableData.

    Bytes that are no text stay as halves of characters, which `is_text` finds.
    """
    try:
        with open_regular(path, None) as (raw, _):
            start = raw.read(4)
            raw.seek(0)
            encoding = next((name for mark, name in MARKS if start.startswith(mark)), "utf-8")
            errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
            with io.TextIOWrapper(raw, encoding, errors, newline=newline) as text:
                yield text
    except SkippedFile as error:
        raise UnreadableData(f"{path.name} is {error}. Look at its path.") from error


def is_text(text: str) -> bool:
    """Return whether a text can be written as UTF-8: its bytes were text."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def json_rows(path: Path, file: int) -> Iterator[RowOrReason]:
    """Yield the rows of one file, each with all that is in it; raises UnreadableData.

    A line that is broken is left out; a list that is broken ends with UnreadableData.
    """
    with open_text(path, "\n") as text:
        if path.suffix.lower() in LINES:
            yield from rows_of_lines(text, file)
        else:
            values = Values(text, path.name)
            yield from rows_of_values(values, file)


def rows_of_lines(text: IO[str], file: int) -> Iterator[RowOrReason]:
    """Yield the rows of JSON Lines; empty lines are none."""
    number = 0
    while line := text.readline(MAX_VALUE_LENGTH):
        reason, value = "", None
        if len(line) == MAX_VALUE_LENGTH and not line.endswith("\n"):
            reason = LONG_LINE
            while line and not line.endswith("\n"):
                line = text.readline(MAX_VALUE_LENGTH)
        elif not line.strip():
            continue
        else:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                reason = BROKEN_LINE
            reason = reason if is_text(line) else NOT_UTF8

        yield RowLeftOut(file, number, reason) if reason else row_of(value, file, number)
        number += 1


def row_of(value: Any, file: int, number: int) -> RowOrReason:
    """Return a value as a row."""
    if not isinstance(value, dict):
        return RowLeftOut(file, number, NO_OBJECT)
    return DataRow(file, number, value)


def rows_of_values(values: Values, file: int) -> Iterator[RowOrReason]:
    """Yield the rows of a list, of several values, or of a list within a single object."""
    first = values.next()
    if first is None:
        return
    second = values.next()
    if not values.listed and second is None and isinstance(first, dict):
        yield from (row_of(value, file, n) for n, value in enumerate(rows_within(first)))
        return

    number = 0
    value: Any = first
    while value is not None:
        yield row_of(None if value is NULL else value, file, number)
        number += 1
        value, second = (second, None) if second is not None else (values.next(), None)


def rows_within(value: dict[str, Any]) -> list[Any]:
    """Return the rows of an object: its longest list of objects, its objects, or itself."""
    lists = [entry for entry in value.values() if isinstance(entry, list)]
    lists = [entry for entry in lists if entry and isinstance(entry[0], dict)]
    # One with a text of its own is a row that has lists.
    alone = any(isinstance(entry, str) for entry in value.values())
    if lists and not alone:
        return max(lists, key=len)
    objects = list(value.values())
    if len(objects) > 1 and all(isinstance(entry, Mapping) for entry in objects):
        return objects
    return [value]


NULL = object()
"""Stands for null among values, since None stands for the end."""


class Values:
    """The values of a JSON text, one after the other, with one of them in memory at a time."""

    def __init__(self, text: IO[str], name: str) -> None:
        self._text, self._name = text, name
        self._decoder = json.JSONDecoder()
        self._buffer, self._at, self._ended, self._count = "", 0, False, 0
        self.listed = self._next_character() == "["
        """Whether the values are those of a list."""
        self._at += self.listed

    def next(self) -> Any:
        """Return the next value; None at the end. Raises UnreadableData for what is no JSON."""
        character = self._next_character()
        if self.listed and not character:
            raise self._broken("is missing: the file is cut off")
        if character in ("", "]"):
            return None
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise self._broken("is nested too deeply") from None
            except ValueError:
                # Perhaps only because the rest of it was not read yet.
                if not self._read(max(CHUNK, len(self._buffer) - self._at)):
                    raise self._broken("is no JSON") from None
                continue
            if end == len(self._buffer) and self._read(CHUNK):
                # A number may go on.
                continue
            if not is_text(self._buffer[self._at : end]):
                raise self._broken("is not in UTF-8")
            self._at, self._count = end, self._count + 1
            return NULL if value is None else value

    def _next_character(self) -> str:
        """Return the next character that is no space and no comma; "" at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read(CHUNK):
                return ""

    def _read(self, count: int) -> bool:
        """Read more of the text; False if there is no more."""
        if len(self._buffer) - self._at > MAX_VALUE_LENGTH:
            raise self._broken("has more than 64 million characters")
        more = "" if self._ended else self._text.read(count)
        self._ended = not more
        self._buffer, self._at = self._buffer[self._at :] + more, 0
        return bool(more)

    def _broken(self, problem: str) -> UnreadableData:
        return UnreadableData(
            f"{self._name} cannot be read: row {self._count + 1} {problem}. "
            "Fetch or write the file again."
        )
