"""Snapshots whose images are cells of a Parquet file, and the same images as files."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import duckdb
from PIL import Image

from align.contracts.image_references import REFERENCES
from align.contracts.snapshot_files import MANIFEST, PAIRS

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}


def paint(number: int, side: int, size: tuple[int, int], kind: str) -> bytes:
    """Return an image of noise, as the bytes of a file of this format."""
    noise = Image.effect_noise(size, 30 + 17 * number + side).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, kind)
    return buffer.getvalue()


def write_both(folder: Path, pairs: int, side: int = 64) -> tuple[Path, Path]:
    """Write a snapshot with its images as files, and one whose images are cells; return both.

    Formats and shapes come in turns.
    """
    cells: list[tuple[str, bytes, bytes]] = []
    for number in range(pairs):
        kind = list(FORMATS)[number % 3]
        size = (side, side) if number % 2 == 0 else (side * 2, side)
        cells.append((f"a cat number {number}", *(paint(number, s, size, kind) for s in range(2))))
    return write_as_files(folder / "files", cells), write_as_cells(folder / "cells", cells)


def name_of(content: bytes, suffix: str = "") -> str:
    """Return the name of an image in a snapshot."""
    starts = {b"\x89PNG": ".png", b"\xff\xd8\xff\xe0": ".jpg", b"RIFF": ".webp"}
    suffix = suffix or starts.get(content[:4], ".png")
    return f"images/{hashlib.sha256(content).hexdigest()}{suffix}"


def write_as_files(folder: Path, cells: list[tuple[str, bytes, bytes]]) -> Path:
    """Write a snapshot with an image file for each cell."""
    (folder / "images").mkdir(parents=True)
    for _, *both in cells:
        for content in both:
            (folder / name_of(content)).write_bytes(content)
    return finish(folder, cells, [])


def write_as_cells(folder: Path, cells: list[tuple[str, bytes, bytes]], **facts: Any) -> Path:
    """Write a Parquet file of these rows beside a snapshot, which refers to it."""
    folder.mkdir(parents=True)
    file = folder.parent / f"{folder.name}.parquet"
    write_parquet(file, cells)
    lines = []
    for row, (_, *both) in enumerate(cells):
        for side, content in enumerate(both):
            width, height = size_of(content)
            line = {"image": name_of(content), "file": str(file), "row": row}
            lines.append(line | {"cell": f"jpg_{side}", "width": width, "height": height} | facts)
    return finish(folder, cells, lines)


def write_parquet(file: Path, cells: list[tuple[str, bytes, bytes]]) -> None:
    """Write rows of caption, jpg_0 and jpg_1."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", cells)
        connection.execute("COPY t TO ? (FORMAT parquet)", [str(file)])


def size_of(content: bytes) -> tuple[int, int]:
    """Return the size of an image; that of none is made up."""
    if content.startswith(b"\x89PNG"):
        return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except OSError:
        return 64, 64


def finish(folder: Path, cells: list[tuple[str, bytes, bytes]], lines: list[dict]) -> Path:
    """Write pairs.jsonl, the index and the manifest of a snapshot."""
    rows = [
        {"kind": "preference", "prompt": p, "chosen": name_of(a), "rejected": name_of(b)}
        for p, a, b in cells
    ]
    files = {PAIRS: write_lines(folder / PAIRS, rows)}
    if lines:
        files[REFERENCES] = write_lines(folder / REFERENCES, lines)
    (folder / MANIFEST).write_text(json.dumps({"snapshot_id": "s0001", "files": files}))
    return folder


def write_lines(path: Path, rows: list[dict]) -> str:
    """Write JSON lines and return their SHA-256."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()
