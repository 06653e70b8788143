"""Atomic file writes, JSON files, hard links, and names that every system takes."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""
LONGEST_STEM = 60
"""Characters: in UTF-8 at most 240 bytes, and a file name may have 255 with its ending."""
PRIVATE = 0o600
"""Permissions of what libraries write by way of temporary files, as safetensors does."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`, and move it to `path` in one step on success."""
    with scratch_beside(path) as scratch:
        yield scratch
        finish(scratch)
        os.replace(scratch, path)


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` that nobody else has, and delete what lies there at the end."""
    # Beside the target: a rename is atomic within one file system only.
    scratch = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def finish(scratch: Path) -> None:
    """Bring a file to the disk, with the permissions of any new file, before it gets its name."""
    share(scratch)
    with scratch.open("rb+") as file:
        # Without it a power cut may leave an empty file under the new name.
        os.fsync(file.fileno())


def share(file: Path) -> None:
    """Give a file that a library made private the permissions that any new file has here.

    Windows has no such permissions, and no file that looks private there.
    """
    if stat.S_IMODE(file.stat().st_mode) == PRIVATE:
        # Some file systems, as of network drives, have no permissions to change.
        with suppress(OSError):
            file.chmod(_usual_permissions(file.parent))


def _usual_permissions(folder: Path) -> int:
    """Return the permissions of a new file; the umask itself is told by changing it only."""
    probe = folder / f".{uuid.uuid4().hex}"
    try:
        probe.touch(exist_ok=False)
        return stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically."""
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file; return None for a missing one. Raises ValueError for what is no JSON."""
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def parse_json(text: str) -> Any:
    """Parse JSON from elsewhere. Raises ValueError, also for JSON that is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def link_tree(source: Path, target: Path) -> None:
    """Copy the folder `source` to `target`, by hard links where the disk allows them."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir() or copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        link(path, copy)


def link(source: Path, target: Path) -> None:
    """Hard-link `target` to `source`, or copy it where the disk allows no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def safe_stem(name: str) -> str:
    """Return a file name without ending that every system and every prompt takes.

    Windows forbids some characters and names, and A1111 writes the name into
    `<lora:name:strength>`.
    """
    stem = re.sub(r"[^\w.+-]+", "-", name).strip("-. ")
    if RESERVED.fullmatch(stem):
        stem = f"lora-{stem}"
    return stem[:LONGEST_STEM].rstrip("-. ") or "lora"
