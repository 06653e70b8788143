"""Tables of prompts for many images: JSON Lines, JSON, CSV and log pages."""

import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from annotate.image_import.captions.cells import MAX_ROWS, TableRow, rows_of_cells
from annotate.image_import.captions.columns import CaptionColumns, is_image, key_words, tidy_path
from annotate.image_import.captions.log_pages import rows_of_page
from annotate.image_import.captions.text_encodings import decoded
from annotate.image_import.programs import a1111
from storage.safe_files import TOO_LARGE, SkippedFile, open_regular

LINES = (".jsonl", ".ndjson")
PAGES = (".html", ".htm")
ENDINGS = (*LINES, ".csv", ".tsv", ".json", ".txt", *PAGES)
SINGLE_PROMPT_NAMES = frozenset(("prompt", "caption", "description", "text"))
"""Names of a file with one prompt for all images of its folder."""
FIRST = ("metadata.jsonl", "captions.csv", "metadata.csv")
"""Names of tables that win over others of the same folder."""
MAX_OTHERS = 20
"""Files of a folder that are read although their names do not say that they are tables."""
TABLE_WORDS = frozenset("metadata meta caption captions prompt prompts dataset".split())
"""Words in a file's name by which it is certainly a table of prompts."""
MAX_TABLE_BYTES = 64_000_000
MAX_JSON_BYTES = 16_000_000
"""Bytes of a file that is a single JSON value: all other threads wait while it is parsed."""
MAX_TABLES_BYTES = 256_000_000
"""Bytes of all tables of an import, whose prompts are held in memory until its end."""
MAX_LINE_LENGTH = 1_000_000
BROKEN = "is no JSON"


def is_sure(file: str) -> bool:
    """Return whether a file's name says that it is a table of prompts."""
    return bool(TABLE_WORDS.intersection(key_words(Path(file).stem)))


def own_of(images: Sequence[str]) -> dict[str, str]:
    """Return the images of a folder by the names that their sidecar files have without ending."""
    return {Path(name).stem: name for name in images} | {name: name for name in images}


def tables_among(names: Sequence[str], own: Collection[str]) -> list[str]:
    """Return the files of a folder that may be tables, the most certain first.

    A file with the name of an image is its sidecar instead: a.json, a.png.json, a.info.json.
    """
    tables = [name for name in names if Path(name).suffix.lower() in ENDINGS]
    tables = [name for name in tables if not any(stem in own for stem in _stems(name))]
    certain = [name for name in tables if is_sure(name)]
    others = [name for name in tables if not is_sure(name)]
    return [*sorted(certain, key=lambda name: name not in FIRST), *others[:MAX_OTHERS]]


def _stems(name: str) -> Iterator[str]:
    stem, _, ending = name.rpartition(".")
    while ending:
        yield stem
        stem, _, ending = stem.rpartition(".")


class CaptionTables:
    """Reader of the tables of one import, which together stay within a limit of memory."""

    def __init__(self, root: Path) -> None:
        self._root, self._bytes_left = root, MAX_TABLES_BYTES

    def read(self, file: Path) -> dict[str, str]:
        """Return the prompts of a table by the name of the image; raises SkippedFile."""
        ending = file.suffix.lower()
        most = MAX_JSON_BYTES if ending in (".json", *PAGES) else MAX_TABLE_BYTES
        with open_regular(file, self._root) as (stream, size):
            if size > min(most, self._bytes_left):
                raise SkippedFile(TOO_LARGE)
            text = decoded(stream.read(size))
        self._bytes_left -= size

        prompts: dict[str, str] = {}
        for names, prompt in _rows(text, ending):
            for name in names:
                prompts.setdefault(name, prompt)
        return prompts if prompts or not is_sure(file.name) else self._of_all(file.name, text)

    def _of_all(self, name: str, text: str) -> dict[str, str]:
        """Return a prompt for all images of the folder, under the empty name; empty if none."""
        if name.lower().endswith(".txt"):
            prompt = text.strip() if is_one_text(name, text) else ""
        else:
            row = _json(text[:MAX_LINE_LENGTH])
            prompt = CaptionColumns().prompt_of(row) if isinstance(row, dict) else ""
        return {"": prompt} if prompt else {}


def is_one_text(file: str, text: str) -> bool:
    """Return whether a text file is a single prompt: by its name, and by its lines."""
    words = key_words(Path(file).stem)
    called = bool(words) and all(word in SINGLE_PROMPT_NAMES for word in words)
    return called and (len(text.split("\n", 2)) < 3 or a1111.parts_of(text) is not None)


def _rows(text: str, ending: str) -> Iterator[tuple[list[str], str]]:
    """Yield the names of the images and the prompt of each row."""
    if ending in LINES:
        rows: Iterable[TableRow] = _lines(text)
    elif ending == ".json":
        value = _json(text)
        rows = rows_of_json(value) if value is not None else _lines_at_least(text)
    elif ending in PAGES:
        rows = rows_of_page(text)
    else:
        rows = rows_of_cells(text, only_images=ending == ".txt")

    columns = CaptionColumns()
    for row in rows:
        if prompt := columns.text_of(row) or columns.only_text_of(row):
            yield columns.files_of(row), prompt


def _lines(text: str) -> Iterator[TableRow]:
    # Not splitlines: a prompt may hold other characters that Unicode counts as line breaks.
    for number, line in enumerate(io.StringIO(text, newline="\n")):
        if number >= MAX_ROWS:
            raise SkippedFile(TOO_LARGE)
        if 2 < len(line) <= MAX_LINE_LENGTH and isinstance(row := _json(line), dict):
            yield row


def _lines_at_least(text: str) -> Iterator[TableRow]:
    """Return the rows of JSON Lines in a .json file; raises SkippedFile if there are none."""
    rows = list(_lines(text))
    if not rows:
        raise SkippedFile(BROKEN)
    return iter(rows)


def rows_of_json(value: Any) -> Iterator[TableRow]:
    """Yield the rows of a list, of a dictionary by image names, or of lists within a dictionary.

    Lists that refer to each other by id, such as those of COCO, are joined.
    """
    if isinstance(value, dict):
        if CaptionColumns().prompt_of(value) and not _is_by_image(value):
            yield from [value] if CaptionColumns().files_of(value) else []
            return
        lists = {key: rows for key, rows in value.items() if _is_rows(rows)}
        if lists:
            yield from _joined(list(lists.values()))
            return

        within = next((v for v in islice(value.values(), MAX_OTHERS) if _is_by_image(v)), value)
        for name, entry in islice(within.items(), MAX_ROWS):
            row = entry if isinstance(entry, dict) else {"prompt": entry}
            yield {"file": tidy_path(name)} | {k: v for k, v in row.items() if not _names(v)}
    elif isinstance(value, list):
        yield from (row for row in value[:MAX_ROWS] if isinstance(row, dict))


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _is_by_image(value: Any) -> bool:
    return isinstance(value, dict) and any(map(is_image, islice(value, MAX_OTHERS)))


def _names(value: Any) -> bool:
    return isinstance(value, str) and is_image(value)


def _joined(lists: list[list[Any]]) -> Iterator[TableRow]:
    rows = [row for rows in lists for row in rows[:MAX_ROWS] if isinstance(row, dict)]
    named = {str(row["id"]): row for row in rows if "id" in row and any(map(_names, row.values()))}
    for row in rows:
        other = named.get(str(row.get("image_id")), {})
        yield row if other is row else {k: v for k, v in other.items() if _names(v)} | row


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
