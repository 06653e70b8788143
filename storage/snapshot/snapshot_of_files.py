"""Snapshots of votes in files, written while the files are read: no studio and no database.

Images in Parquet stay where they are, and so do image files: the snapshot refers to both.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from align.contracts.image_references import REFERENCES, ImageReference
from align.contracts.snapshot_files import PAIRS, PairRow, SnapshotFacts
from storage.errors import NothingInFiles, UnreadableData
from storage.layouts.foreign_votes import ForeignVote, ImagePlace, RowLeftOut
from storage.snapshot.brought_votes import row_of
from storage.snapshot.folder_writer import JsonLines, whole_folder, write_manifest
from storage.sources.image_headers import ImageHeader
from storage.sources.image_intake import ImageIntake, LookedAt
from storage.sources.source_records import SourceRow
from storage.sources.source_rows import fault_of

SKIPPED = "nobody said which of its images is better"
ROWS_AT_ONCE = 1_000
HASH_BYTES = 32


@dataclass
class FileCounts:
    """What became of the rows of some files."""

    rows: int = 0
    votes: Counter[str] = field(default_factory=Counter)
    """Rows of the snapshot by kind."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that gave no vote, by reason."""
    images: int = 0

    @property
    def decisive(self) -> int:
        """Count the votes that say which image is better."""
        return self.votes["preference"] + self.votes["ranking"]


class FileVotes:
    """Makes rows of a snapshot from votes in files; keeps a few dozen bytes of each image."""

    def __init__(self, files: Sequence[Path], name: str) -> None:
        """Take votes of files; `name` is that of the source in each row."""
        places = [*files, *(path.resolve() for path in files)]
        self._intake = ImageIntake(dict.fromkeys(places, 0))
        self._names, self._suffixes = bytearray(), list[str]()
        self._references: list[ImageReference] = []
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._name = name
        self.counts = FileCounts()
        self.contents: dict[str, bytes] = {}
        """New images that no file has as they are, by their names; whoever takes them clears it."""

    def rows(self, votes: Iterable[ForeignVote | RowLeftOut]) -> Iterator[PairRow]:
        """Yield a row for each vote whose images can be used, and count the others."""
        for vote in votes:
            self.counts.rows += 1
            row = vote.reason if isinstance(vote, RowLeftOut) else self._row(vote)
            if isinstance(row, str):
                self.counts.left_out[row] += 1
            else:
                self.counts.votes[row["kind"]] += 1
                yield row

    def taken_references(self) -> list[ImageReference]:
        """Return the references to images that are new since the last call."""
        taken, self._references = self._references, []
        return taken

    def _row(self, vote: ForeignVote) -> PairRow | str:
        """Return the row of a vote, or why it gives none."""
        if reason := fault_of(vote):
            return reason
        if vote.kind == "skip":
            return SKIPPED
        found = self._intake.look_at_all(vote.images)
        if isinstance(found, str):
            return found

        return row_of(
            SourceRow(
                *(self._name, 1.0, vote.prompt, vote.kind, tuple(map(self._name_of, found))),
                *(vote.share, vote.ranks, vote.annotator, vote.strength),
            )
        )

    def _name_of(self, image: LookedAt) -> str:
        """Return the name of an image, and note where it is when it comes for the first time."""
        number = self._intake.number(image)
        if number == self.counts.images:
            assert image.header is not None
            self.counts.images += 1
            self._names += image.digest
            self._suffixes.append(image.header.suffix)
            name = f"images/{image.digest.hex()}{image.header.suffix}"
            if image.image.place is None:
                self.contents[name] = image.content
            else:
                self._references.append(self._reference(name, image.image.place, image.header))
            # It keeps the bytes of files for whoever copies them; here nobody does.
            self._intake.taken()
        start = number * HASH_BYTES
        return self._names[start : start + HASH_BYTES].hex() + self._suffixes[number]

    def _reference(self, name: str, place: ImagePlace, header: ImageHeader) -> ImageReference:
        size, modified_ns = self._stamp(place.file)
        return {
            "image": name,
            "file": str(place.file.absolute()),
            "row": place.row,
            "cell": place.column,
            "width": header.width,
            "height": header.height,
            "file_bytes": size,
            "file_modified_ns": modified_ns,
        }

    def _stamp(self, file: Path) -> tuple[int, int]:
        """Return the size and the time of a file as they were when it was first read."""
        if file not in self._stamps:
            if len(self._stamps) > ROWS_AT_ONCE:
                self._stamps.clear()
            try:
                status = os.stat(file)
            except OSError as error:
                raise UnreadableData(
                    f"{file} went away while it was read: {error.strerror or error}. Put it back."
                ) from error
            self._stamps[file] = status.st_size, status.st_mtime_ns
        return self._stamps[file]


def write_snapshot_of_files(
    folder: Path,
    votes: Iterable[ForeignVote | RowLeftOut],
    files: FileVotes,
    facts: SnapshotFacts,
) -> FileCounts:
    """Write a snapshot folder of votes in files, completely or not at all.

    Raises NothingInFiles where no row says which image is better, UnreadableData on the way, and
    DiskFull.
    """
    with whole_folder(folder) as work:
        pairs, index = JsonLines(work / PAIRS), JsonLines(work / REFERENCES)
        rows, images = files.rows(votes), dict[str, str]()
        while some := list(islice(rows, ROWS_AT_ONCE)):
            pairs.write(some)
            index.write(files.taken_references())
            for name, content in files.contents.items():
                (work / name).write_bytes(content)
                images[name] = Path(name).stem
            files.contents.clear()

        counts = files.counts
        require_decisive(counts)
        facts = {**facts, "counts": dict(counts.votes), "excluded": dict(counts.left_out)}
        write_manifest(work, facts, pairs.hashes() | images | index.hashes())
    return counts


def require_decisive(counts: FileCounts) -> None:
    """Raise NothingInFiles unless some row says which image is better."""
    if counts.decisive:
        return
    told = ", ".join(f"{count:,}: {why}" for why, count in counts.left_out.most_common(3))
    raise NothingInFiles(
        f"Of {counts.rows:,} rows none says which of two images is better"
        f"{f' ({told})' if told else ''}. Look at the mapping of columns (--mapping)."
    )
