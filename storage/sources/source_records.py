"""Values of sources: what the studio knows of one, and its votes as a snapshot takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from storage.layouts.foreign_votes import ForeignKind


class SourceFile(TypedDict):
    """A file of a source, as it was when it came in."""

    path: str
    """Relative to the studio where it is inside, else absolute."""
    bytes: int
    changed: int
    """Modification time, in nanoseconds."""
    digest: str
    """`sha256:` of its bytes, or `sampled:` of its size and some blocks for a huge one."""


class SourceFacts(TypedDict, total=False):
    """Facts on a source that are known before its first row."""

    files: list[SourceFile]
    mapping: dict[str, Any]
    """The columns that its fields were read from."""


class SourceCounts(TypedDict):
    """Counts of a source, known with its last row."""

    votes: dict[str, int]
    """By kind."""
    images: int
    left_out: dict[str, int]
    """Rows that gave no vote, by reason."""
    double: dict[str, int]
    """Votes that another source has as well, by its name."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source of votes that came in from files, whole and not removed."""

    source_id: int
    base: str
    name: str
    layout: str
    facts: SourceFacts = field(hash=False)
    weight: float
    used: bool
    """Whether runs take its votes, unless they name their sources."""
    counts: SourceCounts = field(hash=False)
    who: str
    created: datetime

    @property
    def votes(self) -> int:
        """Count its votes and rankings of all kinds."""
        return sum(self.counts["votes"].values())

    @property
    def decisive(self) -> int:
        """Count those that say which image is better."""
        return decisive(self.counts["votes"])


@dataclass(frozen=True, slots=True)
class SourceVotes:
    """The sources whose votes a run takes along."""

    names: tuple[str, ...] | None = ()
    """None for all that are in use."""
    alone: bool = False
    """Whether the votes that people gave here stay out."""


NO_SOURCES = SourceVotes()
SOURCES_IN_USE = SourceVotes(None)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A vote or a ranking of a source, as a snapshot takes it."""

    source: str
    """Name of the source."""
    weight: float
    """Weight of the source."""
    prompt: str
    kind: ForeignKind
    images: tuple[str, ...]
    """Names of files: the SHA-256 of the bytes and .png, .jpg or .webp; the better one of a
    preference first."""
    share: float | None = None
    """Probability that the first image is the better one, where the file told it."""
    ranks: tuple[int, ...] = ()
    annotator: str = ""
    """As the file has it."""
    strength: int = 1


def decisive(votes: Mapping[str, int]) -> int:
    """Count the votes that say which image is better, of counts by kind."""
    return votes.get("preference", 0) + votes.get("ranking", 0)
