"""Prompts that lie beside pictures: in a text file each, in a table, or in their names."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from annotate.material.programs import a1111
from annotate.material.programs.reader import LONGEST_JSON, LONGEST_TEXT, Prompt
from annotate.material.reading import TOO_LARGE, Skip, opened_regular, read_start

SIDECARS = (".txt", ".caption")
TABLES = ("metadata.jsonl", "captions.csv", "metadata.csv")
FILES = ("file_name", "file", "filename", "image", "path")
TEXTS = ("prompt", "text", "caption")
LARGEST = 64_000_000
LARGEST_IN_ALL = 256_000_000
"""Bytes of all tables of an import: their prompts are held until the end."""
LONGEST_LINE = 1_000_000
MOST_ROWS = 500_000
"""Of a table; an import may have 200,000 images."""
COUNTER = re.compile(r"[\W\d_]+")
"""What counts pictures at the start of a name: 00012-77-."""
END_COUNTER = re.compile(r"[\s_\-.()#\[\]]*\d*[\s_\-.()#\[\]]*")
"""The same at its end, from the last character on: _003, (2)."""
NAMELESS = frozenset(
    "img image images picture pictures pic photo dsc dscf dscn pxl mvimg screenshot screen output "
    "outputs comfyui comfyui_temp grid tmp temp untitled new file download out seed sample txt2img "
    "img2img generated render".split()
)
"""Names that say nothing of what a picture shows."""
WORD = re.compile(r"[^\W\d_]{2}|[^\W\d_\x00-\x7f]")
"""A single letter says nothing, but in a script whose letters are words."""
ENCODED = re.compile(r"[0-9a-f-]{16,}", re.IGNORECASE)


class Tables:
    """The tables of prompts in the folders of one import."""

    def __init__(self, root: Path) -> None:
        self._root, self._left = root, LARGEST_IN_ALL

    def read(self, file: Path) -> dict[str, str]:
        """Return the prompts that a table gives, by the name of the image; raises Skip."""
        with opened_regular(file, self._root) as (stream, size):
            if size > min(LARGEST, self._left):
                raise Skip(TOO_LARGE)
            text = stream.read(size).decode("utf-8-sig", "replace")
        self._left -= size

        prompts: dict[str, str] = {}
        for row in _lines(text) if file.suffix == ".jsonl" else _table(text):
            name, prompt = _first(row, FILES), _first(row, TEXTS)
            if name and prompt:
                prompts.setdefault(Path(name.replace("\\", "/")).as_posix(), prompt)
        return prompts


def sidecar(picture: Path, root: Path) -> Prompt | None:
    """Return the text of a picture's own text file: a.txt for a.png, or a.png.txt.

    Raises Skip for one that is there and cannot be read, for a name would then pass for the prompt.
    """
    for ending in SIDECARS:
        for file in (picture.with_suffix(ending), picture.with_name(picture.name + ending)):
            if not os.path.lexists(file):
                continue
            try:
                content = read_start(file, root, LONGEST_JSON)
            except Skip as skip:
                raise Skip(f"its text file: {skip}") from skip
            if text := content.decode("utf-8-sig", "replace").strip():
                return a1111.read_text(text)
    return None


def named(picture: Path, root: Path) -> str | None:
    """Return what the name of the subfolder, or else of the file, says that a picture shows."""
    name = picture.stem if picture.parent == root else picture.parent.name
    words = without_counters(name) if picture.parent == root else name
    words = re.sub(r"[\s_]+", " ", words).strip(" -.")
    says_nothing = words.lower() in NAMELESS or not re.search(WORD, words)
    return None if says_nothing or ENCODED.fullmatch(words.replace(" ", "")) else words


def without_counters(name: str) -> str:
    """Return a name without what counts files at its start and its end."""
    start, end = COUNTER.match(name), END_COUNTER.match(name[::-1])
    return name[start.end() if start else 0 : len(name) - (end.end() if end else 0)]


def _lines(text: str) -> Iterable[Mapping[str, Any]]:
    # Not splitlines: a prompt may hold what Unicode takes for the end of a line.
    for number, line in enumerate(io.StringIO(text, newline="\n")):
        if number >= MOST_ROWS:
            raise Skip(TOO_LARGE)
        if len(line) <= LONGEST_LINE and isinstance(row := _json(line), dict):
            yield row


def _table(text: str) -> Iterable[Mapping[str, Any]]:
    rows = _csv(text)
    first = next(rows, [])
    head = [cell.strip().lower() for cell in first]
    if not set(head) & set(FILES):
        # Without a head: the file, then its prompt.
        head, rows = [FILES[0], TEXTS[0]], chain([first], rows)
    for row in rows:
        yield dict(zip(head, row, strict=False))


def _csv(text: str) -> Iterator[list[str]]:
    """Return the rows of a CSV file but for those that cannot be read, such as too long ones."""
    reader = csv.reader(io.StringIO(text, newline=""))
    for _ in range(MOST_ROWS):
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
    raise Skip(TOO_LARGE)


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    values = (row.get(name) for name in names)
    texts = (value[:LONGEST_TEXT].strip() for value in values if isinstance(value, str))
    return next(filter(None, texts), "")
