"""Images of a snapshot that are no files of its folder: cells of Parquet files, or other files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from align.contracts.image_references import REFERENCES, ImageReference
from align.contracts.image_sizes import Size
from align.data.rows import SharedText, checked_file
from align.errors import SnapshotError
from align.files import parse_json

NAME = re.compile(r"images/([0-9a-f]{64})\.\w{1,8}")


@dataclass(frozen=True)
class References:
    """The images of a snapshot that lie elsewhere."""

    index: Path | None = None
    sizes: Mapping[Path, Size] = field(default_factory=dict)
    """Width and height of cells, by the path that such an image would have in the folder."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Paths of images that are files of their own, by their names in rows."""
    sources: Mapping[Path, str] = field(default_factory=dict)
    """The Parquet file of each cell, by the path of `sizes`."""
    stamps: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    """Size and time of last change that a file of `files` should have, where that is told."""

    def has_changed(self, path: Path) -> bool:
        """Return whether an image file is there and is not the one that was referred to."""
        try:
            status = path.stat() if path in self.stamps else None
        except OSError:
            return False
        return status is not None and self.stamps[path] != (status.st_size, status.st_mtime_ns)

    def place(self, path: Path) -> str:
        """Say where an image is: in which Parquet file, or under which path."""
        return f"an image of {self.sources[path]}" if path in self.sources else str(path)


def read_references(folder: Path) -> References:
    """Read the index of a snapshot folder; nothing where it has none.

    Raises:
        SnapshotError: it is not what the manifest says, or a line is no reference.
    """
    if not (folder / REFERENCES).exists():
        return References()

    index, once = checked_file(folder, REFERENCES), SharedText()
    sizes: dict[Path, Size] = {}
    files: dict[str, Path] = {}
    sources: dict[Path, str] = {}
    stamps: dict[Path, tuple[int, int]] = {}
    for reference in references_in(index):
        name = reference["image"]
        if reference["row"] is None:
            files[name] = Path(reference["file"])
            if {"file_bytes", "file_modified_ns"} <= reference.keys():
                told = reference["file_bytes"], reference["file_modified_ns"]
                stamps[files[name]] = told
        else:
            path = folder / name
            sizes[path] = (reference["width"], reference["height"])
            sources[path] = once(reference["file"])
    return References(index, sizes, files, sources, stamps)


def references_in(index: Path) -> Iterator[ImageReference]:
    """Read an index line by line; raises SnapshotError at a line that is no reference."""
    with index.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                value = parse_json(line.decode())
                if not is_reference(value):
                    raise ValueError(line)
            except (ValueError, KeyError, TypeError):
                raise SnapshotError(
                    f"{index}, line {number}, names no image: {line[:80]!r}. Start a new run."
                ) from None
            reference: ImageReference = value
            yield reference


def is_reference(value: ImageReference) -> bool:
    """Return whether a value from a file is a reference. Raises KeyError or TypeError."""
    sizes, row = [value["width"], value["height"]], value["row"]
    numbers = [*sizes, row + 1] if row is not None else [size + 1 for size in sizes]
    whole = all(isinstance(number, int) and number >= 1 for number in numbers)
    named = NAME.fullmatch(value["image"]) is not None and bool(value["file"])
    return whole and named and isinstance(value["file"], str) and isinstance(value["cell"], str)
