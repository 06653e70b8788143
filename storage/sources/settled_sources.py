"""Settled sources: their votes and images in the order in which they came in, for a snapshot.

A million rows are never in memory at once: they are read a window of rows at a time, each in a
transaction of its own, so that nobody waits for whoever reads them.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from align.contracts.image_references import ImageReference
from storage.database import Database
from storage.errors import BrokenStudio
from storage.sources.source_records import Source, SourceRow
from storage.sources.stored_sources import all_sources, chosen_sources
from storage.studio_folder import StudioFolder

WINDOW = 8_192
"""Rows that are read at a time."""
SUFFIXES = (".png", ".jpg", ".webp")
HASH_BYTES = 32

VOTES = """
SELECT prompt, kind, images, share, ranks, annotator, strength FROM source_votes
WHERE source_id = ? AND file = ? AND row >= ? AND row < ?
"""
# Only those that hold rows: numbers of rows may have gaps of any size.
WINDOWS = f"""
SELECT DISTINCT file, row // {WINDOW} FROM source_votes WHERE source_id = ? ORDER BY ALL
"""
IMAGES = """
SELECT sha256, suffix, width, height, file, row, cell FROM source_images
WHERE source_id = ? AND image >= ? AND image < ? ORDER BY image
"""
GONE, CHANGED = "gone", "changed"


class SourceImage(NamedTuple):
    """An image of a source: a cell of a Parquet file, or a file of the studio's own."""

    name: str
    """SHA-256 of its bytes, and its suffix."""
    width: int
    height: int
    file: Path | None
    """The Parquet file that it is in; None for a file of the studio."""
    row: int = 0
    cell: str = ""
    of_file: int | None = None
    """Index of that file among the files of the source."""


def settled_sources(
    database: Database,
    base: str,
    names: Sequence[str] | None = None,
    lost: Container[str] = (),
) -> Iterator[SourceRow]:
    """Yield the votes of a model's sources, of those named or of all that are in use.

    Votes on images of `lost` are left out. Raises UnknownSource, or BrokenStudio for a source that
    is removed meanwhile.
    """
    for source in chosen_sources(database, base, names):
        images = ImageNames(database, source.source_id)
        for file, window in database.read(WINDOWS, [source.source_id]):
            asked = [source.source_id, file, WINDOW * window, WINDOW * (window + 1)]
            for prompt, kind, numbers, *rest in database.read(VOTES, asked):
                shown = tuple(images[number] for number in numbers)
                if lost and any(name in lost for name in shown):
                    continue
                share, ranks, annotator, strength = rest
                yield SourceRow(
                    *(source.name, source.weight, prompt, kind, shown, share),
                    *(tuple(ranks or ()), annotator, strength),
                )
        require_present(database, base, source)


def source_images(
    database: Database,
    folder: StudioFolder,
    base: str,
    names: Sequence[str] | None = None,
) -> Iterator[SourceImage]:
    """Yield the images of a model's sources, of those named or of all that are in use."""
    for source in chosen_sources(database, base, names):
        yield from images_of(database, folder, source)


def source_references(
    database: Database,
    folder: StudioFolder,
    base: str,
    names: Sequence[str] | None = None,
) -> Iterator[ImageReference]:
    """Yield where the bytes of the images of a model's sources are."""
    for source in chosen_sources(database, base, names):
        known = source.facts.get("files", [])
        for image in images_of(database, folder, source):
            reference: ImageReference = {
                "image": f"images/{image.name}",
                "file": str(image.file or folder.image_file(image.name)),
                "row": image.row if image.file else None,
                "cell": image.cell,
                "width": image.width,
                "height": image.height,
            }
            if image.of_file is not None:
                reference["file_bytes"] = known[image.of_file]["bytes"]
                reference["file_modified_ns"] = known[image.of_file]["changed"]
            yield reference


def images_of(database: Database, folder: StudioFolder, source: Source) -> Iterator[SourceImage]:
    """Yield the images of one source, in the order in which they came."""
    places = [folder.path / file["path"] for file in source.facts.get("files", [])]
    for start in range(0, source.counts["images"], WINDOW):
        for row in database.read(IMAGES, [source.source_id, start, start + WINDOW]):
            sha256, suffix, width, height, file, number, cell = row
            place = None if file is None else places[file]
            at = (place, number or 0, cell or "", file)
            yield SourceImage(sha256 + suffix, width, height, *at)


def lost_images(
    database: Database,
    folder: StudioFolder,
    base: str,
    names: Sequence[str] | None = None,
) -> dict[str, str]:
    """Return the images of sources that no run can read now, each with the reason.

    An image that is a file is lost if that is gone, one in a Parquet file if the Parquet file is
    gone or was written to since it came in.
    """
    lost: dict[str, str] = {}
    for source in chosen_sources(database, base, names):
        faults = file_faults(folder, source)
        for image in images_of(database, folder, source):
            if image.file is not None:
                fault = faults.get(image.file)
            else:
                fault = None if folder.image_file(image.name).is_file() else GONE
            if fault:
                lost[image.name] = fault
    return lost


def file_faults(folder: StudioFolder, source: Source) -> dict[Path, str]:
    """Return the files of a source that are gone or were written to, each with the reason."""
    faults: dict[Path, str] = {}
    for known in source.facts.get("files", []):
        place = folder.path / known["path"]
        if fault := fault_of(place, known["bytes"], known["changed"]):
            faults[place] = fault
    return faults


def fault_of(path: Path, size: int, changed: int) -> str | None:
    """Return what is wrong with a file that came in with this size and time; None if nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return GONE
    return None if (status.st_size, status.st_mtime_ns) == (size, changed) else CHANGED


def require_present(database: Database, base: str, source: Source) -> None:
    """Raise BrokenStudio if a source was removed while it was read."""
    if source.source_id not in {known.source_id for known in all_sources(database, base)}:
        raise BrokenStudio(
            f"The source {source.name!r} was removed while its votes were read. Start again."
        )


class ImageNames:
    """Names of a source's images by number, in 33 bytes each: there may be a million."""

    def __init__(self, database: Database, source_id: int) -> None:
        self._hashes, self._suffixes = bytearray(), bytearray()
        start = 0
        while rows := database.read(IMAGES, [source_id, start, start + WINDOW]):
            for sha256, suffix, *_ in rows:
                self._hashes += bytes.fromhex(sha256)
                self._suffixes.append(SUFFIXES.index(suffix))
            start += WINDOW

    def __getitem__(self, image: int) -> str:
        start = image * HASH_BYTES
        return self._hashes[start : start + HASH_BYTES].hex() + SUFFIXES[self._suffixes[image]]
