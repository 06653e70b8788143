"""Files that are either the old one or the new one, never half of each."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GRID = "grid.png"
"""The contact sheet that lies beside the images of a folder, and is none of them."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a scratch path beside `path`; on success it becomes `path` in one step."""
    scratch = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield scratch
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically."""
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing one is None. Raises ValueError for what is no JSON."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def parse_json(text: str) -> Any:
    """Parse JSON that somebody else wrote; raises ValueError, also for what no parser can hold."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def link_tree(source: Path, target: Path) -> None:
    """Make `target` a copy of the folder `source`, by hard links where the disk allows it."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir() or copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        link(path, copy)


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` where the disk allows it, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
