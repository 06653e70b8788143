"""Foreign votes made by hand, on images of next to no bytes."""

import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from storage_making import BASE

from storage import Store
from storage.layouts.foreign_votes import ForeignImage, ForeignVote, ImagePlace, RowLeftOut
from storage.sources.source_import import ImportedSource, NewSource

ReadVotes = Callable[[Sequence[Path]], Iterable[ForeignVote | RowLeftOut]]


def png_bytes(seed: int, width: int = 64, height: int = 64) -> bytes:
    """A whole PNG of one color, whose bytes differ by seed."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + tail

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([seed % 256]) * width) * height)
    note = chunk(b"tEXt", b"seed\0" + str(seed).encode())
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + note
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def file_image(path: Path) -> ForeignImage:
    return ForeignImage(ImagePlace(path))


def cell_image(file: Path, row: int, column: str, content: bytes | None) -> ForeignImage:
    return ForeignImage(ImagePlace(file, row, column), content)


def write_pngs(folder: Path, seeds: Iterable[int]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in seeds:
        path = folder / f"{seed:06d}.png"
        path.write_bytes(png_bytes(seed))
        paths.append(path)
    return paths


def vote(row: int, *images: ForeignImage, **given: Any) -> ForeignVote:
    given = {"prompt": f"a cat {row}", "kind": "preference", "annotator": "ann", **given}
    return ForeignVote(0, row, images=images, **given)


def table(folder: Path, name: str = "votes.csv") -> Path:
    """A file that votes are read from; what it says does not matter here."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"the votes of {name}", encoding="utf-8")
    return path


def read_files(images: Sequence[Path]) -> ReadVotes:
    """Read votes of image files: each is better than the next one."""

    def read(files: Sequence[Path]) -> Iterable[ForeignVote | RowLeftOut]:
        for row, (better, worse) in enumerate(pairwise(images)):
            yield vote(row, file_image(better), file_image(worse), given=datetime(2025, 1, 2))

    return read


def read_cells(number: int, images: int) -> ReadVotes:
    """Read votes of a Parquet file whose cells are images, some of them again and again."""

    def read(files: Sequence[Path]) -> Iterable[ForeignVote | RowLeftOut]:
        for row in range(number):
            better = cell_image(files[0], row, "jpg_0", png_bytes(row % images))
            worse = cell_image(files[0], row, "jpg_1", png_bytes((row + 1) % images))
            yield vote(row, better, worse)

    return read


def new_source(files: Sequence[Path], read: ReadVotes, **given: Any) -> NewSource:
    given = {"base": BASE, "name": "pickapic", "layout": "csv", "who": "ann", **given}
    return NewSource(files=files, read=read, **given)


def bring_in(
    store: Store, tmp_path: Path, name: str = "pickapic", images: int = 4
) -> ImportedSource:
    """Bring in a source of image files, each better than the next one."""
    paths = write_pngs(tmp_path / name, range(images))
    csv = table(tmp_path / name, f"{name}.csv")
    return store.sources.bring_in(new_source([csv], read_files(paths), name=name))
