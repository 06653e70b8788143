"""Small files of the layouts that others publish, with their real columns and types."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from PIL import Image

from storage.layouts.foreign_votes import ForeignVote, RowLeftOut
from storage.layouts.found import find_data
from storage.layouts.mapping import mapping_from_text
from storage.layouts.reading import votes


@cache
def image(number: int, kind: str = "png") -> bytes:
    """Return an image of one color, whose bytes are those of no other number."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (number % 256, number // 256 % 256, 90)).save(buffer, kind)
    return buffer.getvalue()


def image_file(path: Path, number: int) -> Path:
    """Write an image into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image(number, "jpeg" if path.suffix == ".jpg" else path.suffix[1:]))
    return path


def data_url(number: int) -> str:
    """Return an image as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(image(number)).decode()


def parquet(path: Path, columns: str, rows: Sequence[Sequence[Any]], options: str = "") -> Path:
    """Write rows into Parquet; columns are such as `caption VARCHAR, jpg_0 BLOB`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE rows ({columns})")
        for row in rows:
            connection.execute(f"INSERT INTO rows VALUES ({', '.join('?' * len(row))})", list(row))
        connection.execute(f"COPY rows TO '{path}' (FORMAT parquet{options})")
    return path


def json_file(path: Path, value: Any) -> Path:
    """Write JSON."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def lines(path: Path, rows: Sequence[Any]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """Write CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def read(*given: Path | str, mapping: str = "") -> list[ForeignVote | RowLeftOut]:
    """Read files by the mapping that is guessed, with what `mapping` says of it."""
    found = find_data(given)
    chosen = mapping_from_text(mapping, found.guess) if mapping else None
    return list(votes(found, chosen))


def layout_of(*given: Path | str) -> str | None:
    """Return the layout that files are taken for."""
    guess = find_data(given).guess
    return guess.layout if guess else None


def bytes_of(vote: ForeignVote | RowLeftOut) -> list[bytes]:
    """Return the bytes of a vote's images."""
    assert isinstance(vote, ForeignVote), vote
    return [
        shown.content if shown.content is not None else shown.place.file.read_bytes()  # type: ignore[union-attr]
        for shown in vote.images
    ]


def told(vote: ForeignVote | RowLeftOut) -> tuple[Any, ...] | str:
    """Return what a vote says: its kind, its images, and its share or ranks; or the reason."""
    if isinstance(vote, RowLeftOut):
        return vote.reason
    more = vote.share if vote.share is not None else vote.ranks
    return (
        (vote.kind, bytes_of(vote), more) if more not in (None, ()) else (vote.kind, bytes_of(vote))
    )
