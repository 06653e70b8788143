"""Rows of a source: images and votes, inserted by the thousand in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from storage.database import Cursor
from storage.layouts.foreign_votes import ForeignVote
from storage.sources.image_intake import NewImage

MAX_PROMPT = 20_000
MAX_NAME = 200
MAX_DETAILS = 20_000
"""Characters of what a vote says besides; more is not kept."""
KINDS = ("preference", "tie", "both_good", "both_bad", "skip", "ranking")
RANK_LIMIT = 2**31

# Lists as parameters, one for each column: `executemany` takes fifty times as long.
INSERT_VOTES = """
INSERT INTO source_votes
SELECT ?, unnest(?::INTEGER[]), unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
       unnest(?::INTEGER[][]), unnest(?::DOUBLE[]), unnest(?::INTEGER[][]), unnest(?::VARCHAR[]),
       unnest(?::INTEGER[]), unnest(?::TIMESTAMP[]), unnest(?::VARCHAR[]), unnest(?::UBIGINT[])
"""
INSERT_IMAGES = """
INSERT INTO source_images
SELECT ?, unnest(?::INTEGER[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[]),
       unnest(?::INTEGER[]), unnest(?::INTEGER[]), unnest(?::BIGINT[]), unnest(?::VARCHAR[])
"""


@dataclass(frozen=True, slots=True)
class VoteRow:
    """A row of `source_votes`, in the order of its columns."""

    file: int
    row: int
    prompt: str
    kind: str
    images: list[int]
    share: float | None
    ranks: list[int] | None
    annotator: str
    strength: int
    given: datetime | None
    details: str | None
    digest: int

    def columns(self) -> tuple[Any, ...]:
        """Return the values of its columns."""
        return tuple(getattr(self, name) for name in self.__slots__)


def insert_votes(cursor: Cursor, source_id: int, rows: Sequence[VoteRow]) -> None:
    """Insert votes of a source."""
    if rows:
        columns = map(list, zip(*(row.columns() for row in rows), strict=True))
        cursor.execute(INSERT_VOTES, [source_id, *columns])


def insert_images(cursor: Cursor, source_id: int, images: Sequence[NewImage]) -> None:
    """Insert images of a source."""
    if images:
        rows = (
            (image.number, image.sha256, *image.header, image.file, image.row, image.cell)
            for image in images
        )
        cursor.execute(INSERT_IMAGES, [source_id, *map(list, zip(*rows, strict=True))])


def fault_of(vote: ForeignVote) -> str | None:
    """Return why a vote cannot be stored, whatever its images are; None where it can."""
    if vote.kind not in KINDS:
        return "it says something else than which image is better"
    if len(vote.images) < 2 or (len(vote.images) > 2 and vote.kind != "ranking"):
        return "it has not two images"
    if len(vote.prompt) > MAX_PROMPT:
        return f"its prompt has more than {MAX_PROMPT:,} characters"
    if not (is_storable(vote.prompt) and is_storable(vote.annotator)):
        return "its text cannot be stored"
    if vote.kind == "ranking":
        good = len(vote.ranks) == len(vote.images) and len(set(vote.ranks)) > 1
        if not good or any(abs(rank) >= RANK_LIMIT for rank in vote.ranks):
            return "its ranks do not tell its images apart"
    if vote.share is not None and not 0 <= vote.share <= 1:
        return "its share is not between 0 and 1"
    return None


def is_storable(text: str) -> bool:
    """Return True for text that UTF-8 can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def vote_row(vote: ForeignVote, images: list[int], hashes: Sequence[bytes]) -> VoteRow:
    """Return the row of a vote whose images have these numbers and hashes."""
    ranks = list(vote.ranks) or None
    return VoteRow(
        *(vote.file, vote.row, vote.prompt, vote.kind, images, vote.share, ranks),
        *(vote.annotator[:MAX_NAME], 2 if vote.strength > 1 else 1, in_utc(vote.given)),
        *(details_of(vote.details), digest_of(vote, hashes)),
    )


def digest_of(vote: ForeignVote, hashes: Sequence[bytes]) -> int:
    """Return 64 bits that stand for all that a vote says, for the same vote in another file."""
    about = [vote.prompt, vote.kind, vote.share, vote.ranks, vote.annotator]
    digest = blake2b(json.dumps(about).encode(), digest_size=8)
    for each in hashes:
        digest.update(each)
    return int.from_bytes(digest.digest())


def details_of(details: Mapping[str, Any]) -> str | None:
    """Return what else a vote says as JSON; None where that is nothing, too much, or no JSON."""
    if not details:
        return None
    try:
        text = json.dumps(details, default=str, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return None
    return text if len(text) <= MAX_DETAILS and is_storable(text) else None


def in_utc(given: datetime | None) -> datetime | None:
    """Return a time in UTC without a zone, as DuckDB's TIMESTAMP holds it; None for an odd one."""
    if given is None or given.tzinfo is None:
        return given
    try:
        return given.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        # A day before the year 1, or after 9999.
        return None
