"""Preview of a source: what would come in of some files, before anything does."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.database import Database
from storage.errors import ImportStopped
from storage.layouts.foreign_votes import ForeignKind, ForeignVote, RowLeftOut
from storage.sources.file_digests import digest_of
from storage.sources.image_headers import NotAnImage, read_image_header
from storage.sources.image_intake import ImageIntake, LookedAt, read_image_file
from storage.sources.source_rows import fault_of
from storage.sources.stored_sources import all_sources

EXAMPLES = 10
MOST_ROWS = 2_000
"""Rows that are read: enough to see what a mapping of columns gives."""
MOST_SECONDS = 5.0
MOST_EXAMPLE_BYTES = 16_000_000
"""Bytes of an image that is shown; a larger one is told by its size alone."""
MOST_NAMES = 10_000
"""Annotators that are counted; more of them are more."""


@dataclass(frozen=True, slots=True)
class ExampleVote:
    """A vote that would come in, with its images."""

    file: int
    row: int
    prompt: str
    kind: ForeignKind
    images: tuple[bytes, ...]
    """The bytes of each, the better one of a preference first; empty for one that is too large."""
    sizes: tuple[tuple[int, int], ...]
    """Width and height of each, in pixels."""
    share: float | None
    ranks: tuple[int, ...]
    annotator: str


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """What would come in."""

    rows: int
    """Rows that were looked at, those left out included."""
    whole: bool
    """Whether these are all."""
    votes: dict[str, int]
    """By kind."""
    left_out: dict[str, int]
    """Rows that would give no vote, by reason."""
    images: int
    annotators: int
    examples: tuple[ExampleVote, ...]
    known: dict[str, str]
    """The source that has a file already, by the file's name."""


def preview_source(
    database: Database,
    base: str,
    files: Sequence[Path],
    read: Callable[[Sequence[Path]], Iterable[ForeignVote | RowLeftOut]],
    cancelled: threading.Event | None = None,
    most_rows: int = MOST_ROWS,
) -> SourcePreview:
    """Look at the first rows of files as an import would, and keep nothing of them.

    Raises ImportStopped, or what `read` raises.
    """
    until, looking = time.monotonic() + MOST_SECONDS, Looking(files)
    whole = True
    for item in read(files):
        if cancelled is not None and cancelled.is_set():
            raise ImportStopped("The preview was stopped.")
        if looking.rows >= most_rows or time.monotonic() > until:
            whole = False
            break
        looking.take(item)
    return looking.seen(whole, known_files(database, base, files))


def known_files(database: Database, base: str, files: Sequence[Path]) -> dict[str, str]:
    """Return the source that has a file already, by the file's name."""
    owners: dict[str, tuple[str, int]] = {}
    for source in all_sources(database, base):
        for file in source.facts.get("files", []):
            owners[file["digest"]] = (source.name, file["bytes"])
    sizes = {size for _, size in owners.values()}

    known: dict[str, str] = {}
    for path in files:
        # Of another size than all of them, it is none of them: no need to read it.
        if path.is_dir() or (path.is_file() and path.stat().st_size in sizes):
            owner = owners.get(digest_of(path))
            known |= {path.name: owner[0]} if owner else {}
    return known


class Looking:
    """Votes that are looked at, and counted."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._intake = ImageIntake(dict.fromkeys([*files, *(f.resolve() for f in files)], 0))
        self._votes: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._annotators: set[str] = set()
        # The same examples for the same file.
        self._chance = random.Random(0)
        self._examples: list[ExampleVote] = []
        self.rows = 0

    def take(self, item: ForeignVote | RowLeftOut) -> None:
        """Look at a row."""
        self.rows += 1
        reason = item.reason if isinstance(item, RowLeftOut) else self._vote(item)
        if reason is not None:
            self._left_out[reason] += 1

    def seen(self, whole: bool, known: dict[str, str]) -> SourcePreview:
        """Return what was seen."""
        return SourcePreview(
            rows=self.rows,
            whole=whole,
            votes=dict(self._votes),
            left_out=dict(self._left_out.most_common()),
            images=self._intake.count,
            annotators=len(self._annotators),
            examples=tuple(sorted(self._examples, key=lambda each: (each.file, each.row))),
            known=known,
        )

    def _vote(self, vote: ForeignVote) -> str | None:
        """Count a vote, or return why it would be left out."""
        if reason := fault_of(vote):
            return reason
        found = self._intake.look_at_all(vote.images)
        if isinstance(found, str):
            return found

        for each in found:
            self._intake.number(each)
        # Their contents are shown from `found`, or not at all.
        self._intake.taken()
        self._votes[vote.kind] += 1
        if vote.annotator and len(self._annotators) < MOST_NAMES:
            self._annotators.add(vote.annotator)
        # Of the first of so many votes, each is as likely to be shown as any other.
        number = self._chance.randrange(sum(self._votes.values()))
        if len(self._examples) < EXAMPLES:
            self._examples.append(example_of(vote, found))
        elif number < EXAMPLES:
            self._examples[number] = example_of(vote, found)
        return None


def example_of(vote: ForeignVote, found: Sequence[LookedAt]) -> ExampleVote:
    """Return a vote as it is shown."""
    contents = [each.content or content_again(each) for each in found]
    return ExampleVote(
        file=vote.file,
        row=vote.row,
        prompt=vote.prompt,
        kind=vote.kind,
        images=tuple(c if len(c) <= MOST_EXAMPLE_BYTES else b"" for c in contents),
        sizes=tuple(map(size_of, contents)),
        share=vote.share,
        ranks=vote.ranks,
        annotator=vote.annotator,
    )


def content_again(found: LookedAt) -> bytes:
    """Read an image that an earlier vote had as well."""
    place = found.image.place
    content = b"" if place is None else read_image_file(place.file)
    return content if isinstance(content, bytes) else b""


def size_of(content: bytes) -> tuple[int, int]:
    """Return width and height of an image; 0 for a file that has just gone away."""
    try:
        header = read_image_header(content)
    except NotAnImage:
        return 0, 0
    return header.width, header.height
