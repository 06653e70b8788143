"""Writes snapshot folders, row by row: a million votes are never in memory, nor their images."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from align.contracts.image_references import REFERENCES, ImageReference
from align.contracts.snapshot_files import (
    FORMAT,
    MANIFEST,
    PAIRS,
    PairRow,
    SnapshotFacts,
    SnapshotManifest,
)
from storage.errors import BrokenStudio, DiskFull
from storage.snapshot.snapshot_folder import (
    Settled,
    image_name,
    images_of,
    line_of,
    sync_folder,
    write_text,
)
from storage.studio_folder import StudioFolder

UNFINISHED = ".unfinished"
"""The name of a snapshot that is being written."""


class BroughtVotes:
    """Votes of sources that a snapshot takes along; here none."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Votes by kind, known once the rows are written."""

    def references(self, own: Iterable[str]) -> Iterator[ImageReference]:
        """Yield where their images are, but for those of `own`, by their names."""
        yield from ()

    def rows(self) -> Iterator[PairRow]:
        """Yield their rows of pairs.jsonl, after the images."""
        yield from ()


class JsonLines:
    """A file of JSON lines that is hashed while it is written; there is none without a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self.count = 0

    def write(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Append rows, in plain ASCII so that no reader can split a line wrongly."""
        with self._path.open("ab") as file:
            for row in rows:
                line = json.dumps(row).encode() + b"\n"
                self._digest.update(line)
                file.write(line)
                self.count += 1
            file.flush()
            os.fsync(file.fileno())

    def hashes(self) -> dict[str, str]:
        """Return its SHA-256 by its name; an empty file goes."""
        if not self.count:
            self._path.unlink(missing_ok=True)
            return {}
        return {self._path.name: self._digest.hexdigest()}


def write_folder(
    path: Path,
    folder: StudioFolder,
    votes: Sequence[Settled],
    facts: Callable[[], SnapshotFacts],
    brought: BroughtVotes,
) -> None:
    """Write a snapshot folder completely or not at all: own votes, then those of sources.

    `facts` are asked for once all rows are written.

    Raises BrokenStudio when an image goes away meanwhile, DiskFull when the disk does not take it.
    """
    with whole_folder(path) as work:
        pairs, index = JsonLines(work / PAIRS), JsonLines(work / REFERENCES)
        images, elsewhere = collect_images(work, folder, votes)
        own = [*images, *(reference["image"] for reference in elsewhere)]
        index.write(elsewhere)
        index.write(brought.references(own))
        pairs.write(map(line_of, votes))
        pairs.write(brought.rows())
        write_manifest(work, facts(), {**pairs.hashes(), **images, **index.hashes()})


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a scratch folder with a folder for images, and give it its name at the end.

    Raises DiskFull when the disk does not take it; then nothing is left of it.
    """
    work = path.with_name(UNFINISHED)
    try:
        shutil.rmtree(work, ignore_errors=True)
        (work / "images").mkdir(parents=True)
        yield work

        # The names are on the disk before the rename, and the rename before the snapshot is
        # recorded: no power cut leaves a record of a folder that is not there.
        sync_folder(work)
        os.replace(work, path)
        sync_folder(path.parent)
    except OSError as error:
        raise DiskFull(
            f"The snapshot {path} could not be written: {error.strerror or error}. "
            "No vote is lost. Free some space on its disk, then start the run again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_manifest(work: Path, facts: SnapshotFacts, files: dict[str, str]) -> None:
    """Write manifest.json, the last file of a snapshot."""
    manifest: SnapshotManifest = {"format": FORMAT, **facts, "files": files}
    write_text(work / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def collect_images(
    work: Path, folder: StudioFolder, votes: Iterable[Settled]
) -> tuple[dict[str, str], list[ImageReference]]:
    """Link the images of votes into a folder, or refer to them where the disk has no hard links.

    Returns the hashes of those that are linked, by name, and references to the others. Their bytes
    are not read: they were checked just before.
    """
    files: dict[str, str] = {}
    elsewhere: list[ImageReference] = []
    for sha256 in sorted({sha256 for vote in votes for sha256 in images_of(vote)}):
        source = folder.image(sha256)
        if not source.is_file():
            raise BrokenStudio(
                f"The image {source} went away while the snapshot was written. No vote is lost. "
                "Start the run again: votes on images that are gone are left out."
            )
        if has_link(source, work / image_name(sha256)):
            files[image_name(sha256)] = sha256
        else:
            elsewhere.append(file_reference(image_name(sha256), source))
    return files, elsewhere


def has_link(source: Path, target: Path) -> bool:
    """Make a hard link to a file; return whether there is one now: some disks have no links."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def file_reference(name: str, file: Path) -> ImageReference:
    """Return the reference to an image that is a file of its own, whose size is read from it."""
    return {"image": name, "file": str(file), "row": None, "cell": "", "width": 0, "height": 0}
