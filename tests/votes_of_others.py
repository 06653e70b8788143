"""Small files of votes as other tools write them, for tests of all that brings them in."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from PIL import Image, ImageDraw

SIDE = 96


@cache
def colored(seed: int, kind: str) -> bytes:
    """Return an image of a disk, which is of no other seed, in one of Pillow's formats."""
    ground = (seed * 37 % 200 + 40, seed * 91 % 200 + 40, seed * 53 % 200 + 40)
    image = Image.new("RGB", (SIDE, SIDE), ground)
    left = 6 + seed * 7 % 40
    ImageDraw.Draw(image).ellipse((left, 20, left + 44, 64), (250, 240, seed % 256))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def write_parquet(path: Path, columns: str, rows: list[list[Any]]) -> Path:
    """Write rows into a Parquet file; columns are such as `caption VARCHAR, jpg_0 BLOB`."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE votes ({columns})")
        for row in rows:
            connection.execute(f"INSERT INTO votes VALUES ({', '.join('?' * len(row))})", row)
        connection.execute(f"COPY votes TO '{path}' (FORMAT parquet)")
    return path


def pickapic(path: Path, rows: int = 12, first: int = 0) -> Path:
    """Write Pick-a-Pic's columns; every fourth row is a tie."""

    def row_of(row: int) -> list[Any]:
        left = 0.5 if row % 4 == 3 else float(row % 2)
        images = [colored(first + 2 * row + side, "JPEG") for side in (0, 1)]
        return [*images, left, 1 - left, f"a fox in the snow, number {row // 2}", True]

    columns = (
        "jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, label_1 DOUBLE, caption VARCHAR, has_label BOOLEAN"
    )
    return write_parquet(path, columns, [row_of(row) for row in range(rows)])


def two_texts(path: Path) -> Path:
    """Write prompt, chosen and rejected, and a column that could be the prompt as well."""
    rows = [
        [f"a hen {row}", colored(600 + row, "PNG"), colored(700 + row, "WEBP"), f"a yak {row}"]
        for row in range(3)
    ]
    return write_parquet(path, "prompt VARCHAR, chosen BLOB, rejected BLOB, other VARCHAR", rows)


def unnamed(path: Path) -> Path:
    """Write columns whose names say nothing."""
    rows = [[f"a cow {n}", colored(800 + n, "PNG"), colored(900 + n, "PNG")] for n in range(2)]
    return write_parquet(path, "x VARCHAR, y BLOB, z BLOB", rows)
