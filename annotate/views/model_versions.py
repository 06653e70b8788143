"""Model versions: their lineage, training votes, results and exports."""

from typing import TypedDict

from align.contracts.run_files import MetricsRow
from align.contracts.weights import ImportedFile, VersionSummary


class ListedVersion(TypedDict):
    """A version that is there, as programs list it."""

    version: str
    """base for the untuned model, then v1, v2, ..."""
    parent: str | None
    """The version that training started from."""
    run_id: str | None
    """The run that made it; null for the base and for imported ones."""
    active: bool
    """New pairs are rendered with it."""
    held_back: list[str]
    """A sentence per release check that it failed."""
    created: str
    """ISO 8601 in UTC."""
    name: str
    """The name that a person gave it, or an empty text."""
    note: str


class VersionView(ListedVersion):
    """A version in the tree of all of them, deleted ones included."""

    deleted: str | None
    """When its files were deleted."""
    missing: bool
    """Its file is gone, although nobody deleted it here."""
    imported: ImportedFile | None
    objective: str | None
    result: VersionSummary
    """The result of the run that made it."""
    snapshot: str | None
    counts: dict[str, int]
    """Votes that it was trained on, by kind."""
    undone: int
    """How many of them were undone since."""
    thumbnail_urls: list[str]
    """URLs of up to four of its images, relative to the server's root."""


class LineageView(VersionView):
    """A version beside all others."""

    last_good: bool
    """It is the only one that is known to help, and cannot be deleted."""


class VersionDetail(LineageView):
    """A version with the metrics of its run."""

    metrics: list[MetricsRow]


class ExportedVersion(TypedDict):
    """A version that was written for other programs."""

    version: str
    form: str
    """kohya, diffusers, dora, peft, merged or checkpoint."""
    read_by: str
    """Programs that load it, and those that do not although one might expect it."""
    saved: str
    """Path within the studio folder."""
    url: str | None
    """URL of the file, relative to the server's root; null for a folder."""
    bytes: int
    """Size of all its files."""


class LoraFolder(TypedDict):
    """The folder in which another program looks for LoRA files."""

    folder: str
    """Where versions are sent; empty until somebody names one."""


class SentVersion(TypedDict):
    """A version that was written into the LoRA folder of another program."""

    version: str
    file: str
    """Path of the file."""
    form: str
    """kohya, or dora for a DoRA."""
    strength: float
    """The strength of the version that the file has at strength 1.0."""
    replaced: bool
    """It was there before, and this took its place."""
    notes: list[str]
    """Names of the notes that were written beside it; one that somebody edited is kept."""
