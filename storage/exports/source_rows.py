"""Votes of sources, read from the database of a studio a window at a time."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from storage.database import Cursor
from storage.errors import UnknownSource
from storage.exports.exported_votes import (
    TIE,
    ExportChoice,
    ExportedImage,
    ExportedVote,
    without_folders,
)
from storage.layouts.foreign_votes import ForeignKind, ImagePlace
from storage.sources.settled_sources import file_faults
from storage.sources.source_records import Source
from storage.sources.stored_sources import as_source, unknown_source
from storage.studio_folder import StudioFolder

WINDOW = 2_000
"""Votes that are in memory at once."""

SOURCES = """
SELECT source_id, base, name, layout, facts, weight, used, counts, who, created
FROM current_sources WHERE $bases IS NULL OR list_contains($bases::VARCHAR[], base)
ORDER BY source_id
"""
FILES = """
SELECT file, min(row), max(row) FROM source_votes WHERE source_id = ? GROUP BY file ORDER BY file
"""
VOTES = """
SELECT row, prompt, kind, images, share, ranks, annotator, strength, given, details
FROM source_votes WHERE source_id = ? AND file = ? AND row >= ? AND row < ? AND ({skips})
ORDER BY row, rowid
"""
COUNT = "SELECT count(*) FROM source_votes WHERE source_id = ? AND ({skips})"
IMAGES = """
SELECT image, sha256, suffix, width, height, file, row, cell
FROM source_images WHERE source_id = ? AND image IN (SELECT unnest(?::INTEGER[]))
"""
WITH_SKIPS, WITHOUT_SKIPS = "TRUE", "kind <> 'skip'"


class SourceRow(NamedTuple):
    """A row of VOTES."""

    row: int
    prompt: str
    kind: ForeignKind
    images: list[int]
    """The better one of a preference first."""
    share: float | None
    ranks: list[int] | None
    annotator: str
    strength: int
    given: datetime | None
    details: str | None


@dataclass(frozen=True)
class SourcesTaken:
    """The sources of an export, with the number of their votes."""

    sources: tuple[Source, ...]
    votes: int
    skips: str


def sources_taken(cursor: Cursor, choice: ExportChoice) -> SourcesTaken:
    """Return the sources that an export takes; raises UnknownSource."""
    bases = None if choice.bases is None else list(choice.bases)
    known = [as_source(row) for row in cursor.execute(SOURCES, {"bases": bases}).fetchall()]
    if choice.sources is None:
        # Whoever asks for some people's votes asks for no file's.
        taken = [source for source in known if source.used and choice.voters is None]
    else:
        names = {source.name for source in known}
        for name in choice.sources:
            if name not in names:
                raise UnknownSource(unknown_source(name, sorted(names)))
        taken = [source for source in known if source.name in choice.sources]

    skips = WITH_SKIPS if choice.skips else WITHOUT_SKIPS
    count = COUNT.format(skips=skips)
    votes = sum(cursor.execute(count, [one.source_id]).fetchall()[0][0] for one in taken)
    return SourcesTaken(tuple(taken), votes, skips)


def source_votes_of(
    cursor: Cursor, folder: StudioFolder, taken: SourcesTaken, choice: ExportChoice, number: int
) -> Iterator[ExportedVote]:
    """Yield the votes of sources, numbered from `number`."""
    votes = VOTES.format(skips=taken.skips)
    for source in taken.sources:
        for file, first, last in cursor.execute(FILES, [source.source_id]).fetchall():
            for start in range(first, last + 1, WINDOW):
                asked = [source.source_id, file, start, start + WINDOW]
                rows = [SourceRow(*row) for row in cursor.execute(votes, asked).fetchall()]
                images = images_of(cursor, folder, source, rows)
                for row in rows:
                    yield vote_of(number, source, file, row, images, choice)
                    number += 1


def images_of(
    cursor: Cursor, folder: StudioFolder, source: Source, rows: Sequence[SourceRow]
) -> dict[int, ExportedImage]:
    """Return the images of some rows by their numbers."""
    numbers = sorted({image for row in rows for image in row.images})
    places = [folder.path / known["path"] for known in source.facts.get("files", [])]
    found = {}
    for image, sha256, suffix, width, height, file, row, cell in cursor.execute(
        IMAGES, [source.source_id, numbers]
    ).fetchall():
        name = f"{sha256}{suffix}"
        place = ImagePlace(folder.image_file(name))
        if file is not None:
            place = ImagePlace(places[file], row, cell)
        found[image] = ExportedImage(sha256, sha256, suffix, width, height, place, "imported")
    return found


def vote_of(
    number: int,
    source: Source,
    file: int,
    row: SourceRow,
    images: Mapping[int, ExportedImage],
    choice: ExportChoice,
) -> ExportedVote:
    """Return the vote of a row, its sides by a coin that always falls the same."""
    key = f"s{source.source_id}-{file}-{row.row}"
    told = json.loads(row.details) if row.details else {}
    shown = with_recipes([images[image] for image in row.images], told.pop("recipes", ()))
    criteria = criteria_of(told.pop("criteria", {}), shown)
    ranks, share = tuple(row.ranks or ()), row.share
    if row.kind == "preference":
        # The better one is first in the table; always on the left, it would teach a side.
        ranks = (0, 1)
        if is_swapped(key):
            shown, ranks = shown[::-1], (1, 0)
            share = None if share is None else 1 - share

    return ExportedVote(
        *(key, number, key, row.kind, row.prompt, tuple(shown), ranks),
        *(choice.name_of(row.annotator), row.given),
        base=without_folders(source.base),
        version=str(told.pop("version", "")),
        source=source.name,
        share=share,
        strength=row.strength,
        reasons=tuple(map(str, told.pop("reasons", ()))),
        criteria=criteria,
        weight=source.weight,
        details=told,
    )


def is_swapped(key: str) -> bool:
    """Return whether the sides of a vote change."""
    return bool(hashlib.sha256(key.encode()).digest()[0] & 1)


def criteria_of(
    told: Mapping[str, Any], images: Sequence[ExportedImage]
) -> tuple[tuple[str, str], ...]:
    """Return what was better by each criterion, of details that name images by their places."""
    uids = {str(place): image.uid for place, image in enumerate(images)}
    return tuple((name, uids.get(str(value), TIE)) for name, value in told.items())


def with_recipes(images: Sequence[ExportedImage], recipes: Sequence[Any]) -> list[ExportedImage]:
    """Return images with what their source told of how they were made."""
    return [
        replace(image, recipe=json.dumps(recipe)) if isinstance(recipe, dict) else image
        for image, recipe in zip_longest(images, recipes[: len(images)])
    ]


def faults_of_files(folder: StudioFolder, taken: SourcesTaken) -> dict[Path, str]:
    """Return the files of sources that are gone or changed, each with the reason."""
    faults: dict[Path, str] = {}
    for source in taken.sources:
        faults |= file_faults(folder, source)
    return faults
