"""Prompts that lie beside pictures: in a text file each, in a table, or in their names."""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from annotate.material.metadata import read_parameters

SIDECARS = (".txt", ".caption")
TABLES = ("metadata.jsonl", "captions.csv", "metadata.csv")
FILES = ("file_name", "file", "filename", "image", "path")
TEXTS = ("prompt", "text", "caption")
LARGEST = 64_000_000
COUNTERS = re.compile(r"^[\W\d_]+|[\s_\-.()#\[\]]*\d*[\s_\-.()#\[\]]*$")
"""What counts pictures at the start and the end of a name: 00012-77-, _003, (2)."""
NAMELESS = frozenset(
    "img image images picture pictures pic photo dsc dscf dscn pxl mvimg screenshot screen output "
    "outputs comfyui comfyui_temp grid tmp temp untitled new file download out seed sample txt2img "
    "img2img generated render".split()
)
"""Names that say nothing of what a picture shows."""
WORD = re.compile(r"[^\W\d_]{2}|[^\W\d_\x00-\x7f]")
"""A single letter says nothing, but in a script whose letters are words."""
ENCODED = re.compile(r"[0-9a-f-]{16,}", re.IGNORECASE)


def read_tables(folder: Path) -> dict[str, str]:
    """Return the prompts that a folder's tables give, by the name of the file."""
    prompts: dict[str, str] = {}
    for name in TABLES:
        for row in _rows(folder / name):
            file, text = _first(row, FILES), _first(row, TEXTS)
            if file and text:
                prompts.setdefault(Path(file.replace("\\", "/")).as_posix(), text)
    return prompts


def sidecar(picture: Path) -> str | None:
    """Return the text of a picture's own text file: a.txt for a.png, or a.png.txt."""
    for ending in SIDECARS:
        for file in (picture.with_suffix(ending), picture.with_name(picture.name + ending)):
            if text := _read(file).strip():
                return read_parameters(text)
    return None


def named(picture: Path, root: Path) -> str | None:
    """Return what the name of the subfolder, or else of the file, says that a picture shows."""
    name = picture.stem if picture.parent == root else picture.parent.name
    words = COUNTERS.sub("", name) if picture.parent == root else name
    words = re.sub(r"[\s_]+", " ", words).strip(" -.")
    says_nothing = words.lower() in NAMELESS or not re.search(WORD, words)
    return None if says_nothing or ENCODED.fullmatch(words.replace(" ", "")) else words


def _rows(file: Path) -> Iterable[Mapping[str, Any]]:
    text = _read(file)
    if file.suffix == ".jsonl":
        return [row for line in text.splitlines() if isinstance(row := _json(line), dict)]
    try:
        table = list(csv.reader(text.splitlines()))
    except csv.Error:
        return []
    if not table:
        return []
    head = [cell.strip().lower() for cell in table[0]]
    if not set(head) & set(FILES):
        # Without a head: the file, then its prompt.
        head, table = [FILES[0], TEXTS[0]], [[], *table]
    return [dict(zip(head, row, strict=False)) for row in table[1:]]


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str:
    values = (row.get(name) for name in names)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def _read(file: Path) -> str:
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return ""
        return file.read_bytes().decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return ""
