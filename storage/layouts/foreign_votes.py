"""Foreign votes: what a file of somebody else's says of images, before a studio keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from align.contracts.snapshot_files import PairKind

ForeignKind: TypeAlias = PairKind | Literal["ranking"]


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where the bytes of an image are: a cell of a Parquet file, or a file of their own."""

    file: Path
    row: int | None = None
    """Number of the row in the file, from 0; None for a file that is the image."""
    column: str = ""
    """Column of the bytes, with the path into it where it is nested: `images[1].bytes`."""


@dataclass(frozen=True, slots=True)
class ForeignImage:
    """An image as it was found. Its bytes are never changed: JPEG stays JPEG, WebP stays WebP."""

    place: ImagePlace | None
    """None where no file has the bytes as they are, such as base64 in JSON: keep `content` then."""
    content: bytes | None = None
    """The bytes where the reader had them at hand; else they are in the file of `place`."""


@dataclass(frozen=True, slots=True)
class ForeignVote:
    """A vote or a ranking of a foreign row."""

    file: int
    """Index of its file among those that are read."""
    row: int
    """Number of its row in that file, from 0."""
    prompt: str
    images: tuple[ForeignImage, ...]
    """Two, of a preference the better one first; of a ranking all, in the order of `ranks`."""
    kind: ForeignKind
    share: float | None = None
    """Probability that the first image is the better one, 0.5 to 1, where the row tells it."""
    ranks: tuple[int, ...] = ()
    """Of a ranking: one for each image, the lowest for the best, equal where none is better."""
    annotator: str = ""
    """Name or pseudonym as the file has it; "" where it has none."""
    strength: int = 1
    """2 for a clear preference."""
    given: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """What else the row says and a vote can carry: reasons, criteria, version, recipe."""


@dataclass(frozen=True, slots=True)
class RowLeftOut:
    """A row that gives no vote."""

    file: int
    row: int
    reason: str
    """The same words for every row of the kind, since they are counted: "an image is missing"."""
