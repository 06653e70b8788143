"""Bytes of the images that a snapshot refers to, out of Parquet files, for a trainer.

A trainer has no DuckDB: it starts `python -m storage images INDEX` and reads frames from it
(align/contracts/image_references.py). Files are opened one after the other and read in their own
order, each row once, however many of its cells are asked for.
"""

import hashlib
import json
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

from align.contracts.image_references import (
    MAX_IMAGE_BYTES,
    FrameHead,
    ImageReference,
    write_frame,
)
from storage.errors import UnreadableData
from storage.layouts.parquet_files import ParquetFiles, open_parquet

GONE = "image in a file that is gone"
CHANGED = "image in a file that was changed"
UNREADABLE = "image in a file that cannot be read"
NO_IMAGE = "image that is not in its file"
RUN_OF_ROWS = 2048
"""Rows that nobody asked for are read along where no more of them lie between two that are: a query
for each run of rows takes as long as DuckDB needs for so many."""


class Cell(NamedTuple):
    """An image that is asked for, in one file."""

    row: int
    cell: str
    image: str


class AskedFile(NamedTuple):
    """A file with images that are asked for."""

    path: Path
    size: int | None
    modified_ns: int | None


def send_images(index: Path, asked: Collection[str] | None, stream: BinaryIO) -> None:
    """Write a frame for each image of an index that is a cell, of those asked for or of all.

    Raises:
        UnreadableData: the index cannot be read, or is none.
    """
    sent = 0
    for file, cells in cells_by_file(index, asked).items():
        head: FrameHead = {"kind": "file", "file": str(file.path), "images": len(cells)}
        write_frame(stream, head)
        # It is a sign of life, and the first row may take its time.
        stream.flush()
        for head, content in frames_of(file, cells):
            sent += head["kind"] == "image"
            write_frame(stream, head, content)
    write_frame(stream, {"kind": "end", "images": sent})
    stream.flush()


def cells_by_file(index: Path, asked: Collection[str] | None) -> dict[AskedFile, list[Cell]]:
    """Return the images of an index that are cells, by file; an image that is in several, once."""
    files: defaultdict[AskedFile, list[Cell]] = defaultdict(list)
    left, seen = set(asked or ()), set[str]()
    for reference in references_in(index):
        image, row = reference["image"], reference["row"]
        if row is None or (image in seen if asked is None else image not in left):
            continue
        if asked is None:
            seen.add(image)
        else:
            left.remove(image)
        stamp = (reference.get("file_bytes"), reference.get("file_modified_ns"))
        file = AskedFile(Path(reference["file"]), *stamp)
        # Millions of cells lie in a column or two.
        files[file].append(Cell(row, sys.intern(reference["cell"]), image))
    return files


def references_in(index: Path) -> Iterator[ImageReference]:
    """Read an index line by line; raises UnreadableData."""
    try:
        with index.open("rb") as file:
            for line in file:
                reference: ImageReference = json.loads(line)
                if not isinstance(reference["image"], str) or "row" not in reference:
                    raise ValueError(line)
                yield reference
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableData(
            f"{index} is no index of images: {error}. Name image_references.jsonl of a snapshot."
        ) from None


def frames_of(file: AskedFile, cells: list[Cell]) -> Iterator[tuple[FrameHead, bytes]]:
    """Yield a frame for each image of a file that is asked for, in the order of its rows."""
    if fault := fault_of(file):
        yield from left_out(file, cells, *fault)
        return

    waiting = {cell.image: cell for cell in cells}
    try:
        with open_parquet([file.path]) as parquet:
            for cell, content in contents_of(parquet, sorted(cells)):
                del waiting[cell.image]
                yield frame_of(cell, content)
    except UnreadableData as error:
        yield from left_out(file, list(waiting.values()), UNREADABLE, str(error))
        return
    # Of rows that the file does not have.
    sentence = f"{file.path} has fewer rows than it had when its images were read."
    yield from left_out(file, list(waiting.values()), NO_IMAGE, sentence)


def fault_of(file: AskedFile) -> tuple[str, str] | None:
    """Return the reason why a file cannot be used, and a sentence of it; None where it can."""
    try:
        status = os.stat(file.path)
    except OSError as error:
        why = error.strerror or type(error).__name__
        return GONE, f"{file.path} is gone ({why}). Put it back where it was."
    # Never opened: reading a named pipe would wait for ever.
    if not stat.S_ISREG(status.st_mode):
        return GONE, f"{file.path} is no file. Put the file back where it was."
    stamps = ((file.size, status.st_size), (file.modified_ns, status.st_mtime_ns))
    if any(told is not None and told != now for told, now in stamps):
        return CHANGED, f"{file.path} was changed since its images were read. Bring it in again."
    return None


def left_out(
    file: AskedFile, cells: list[Cell], reason: str, sentence: str
) -> Iterator[tuple[FrameHead, bytes]]:
    """Yield a fault for each image, the first of them with the sentence."""
    images = "1 image is" if len(cells) == 1 else f"{len(cells):,} images are"
    for number, cell in enumerate(cells):
        head: FrameHead = {"kind": "fault", "image": cell.image, "reason": reason}
        if number == 0:
            head["sentence"] = f"{sentence} {images} left out for it."
        yield head, b""


def frame_of(cell: Cell, content: object) -> tuple[FrameHead, bytes]:
    """Return the frame of a cell: its bytes, if they are those that its name stands for."""
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes) and 0 < len(content) <= MAX_IMAGE_BYTES:
        if hashlib.sha256(content).hexdigest() == Path(cell.image).stem:
            return {"kind": "image", "image": cell.image}, content
    return {"kind": "fault", "image": cell.image, "reason": NO_IMAGE}, b""


def contents_of(parquet: ParquetFiles, cells: list[Cell]) -> Iterator[tuple[Cell, object]]:
    """Yield each cell with what is in it; `cells` are in the order of their rows."""
    columns = sorted({cell.cell for cell in cells})
    by_row: defaultdict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_row[cell.row].append(cell)
    for first, count in runs_of(by_row):
        with closing(parquet.batches(0, columns, first, count)) as batches:  # type: ignore[type-var]
            for batch in batches:
                for number, *values in batch:
                    read = dict(zip(columns, values, strict=True))
                    for cell in by_row.get(number, []):
                        yield cell, read[cell.cell]


def runs_of(rows: Mapping[int, object]) -> Iterator[tuple[int, int]]:
    """Yield the first row and the number of rows of each run of rows that lie close together."""
    first = last = -1
    for row in sorted(rows):
        if first >= 0 and row - last > RUN_OF_ROWS:
            yield first, last - first + 1
            first = row
        first, last = (row if first < 0 else first), row
    if first >= 0:
        yield first, last - first + 1
