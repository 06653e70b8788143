"""A JSON array that is written and read one item at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO


class JsonListWriter:
    """Writes an array with one item a line, in plain ASCII."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._count = file, 0

    def __enter__(self) -> "JsonListWriter":
        self._file.write("[")
        return self

    def add(self, item: Any) -> None:
        """Write one item."""
        self._file.write((",\n" if self._count else "\n") + json.dumps(item))
        self._count += 1

    def __exit__(self, *error: object) -> None:
        self._file.write("\n]\n")


def read_list(path: Path) -> Iterator[Any]:
    """Yield the items of an array that `JsonListWriter` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            text = line.strip().rstrip(",")
            if text not in ("[", "]", ""):
                yield json.loads(text)
