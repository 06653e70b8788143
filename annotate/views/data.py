"""Preference data on its way in and out: jobs, sources, exports, backups."""

from typing import Any, Literal, TypedDict

JobState = Literal["running", "stopping", "done", "stopped", "failed"]


class DataJobView(TypedDict):
    """The newest long job on votes and files; its end is kept until the next one begins."""

    kind: str
    """What it does: preview, import, remove, export, backup, merge_preview, merge or
    restore_votes."""
    title: str
    state: JobState
    done: int
    of: int
    """What `done` counts up to; 0 while that is not known."""
    seconds: float
    """Since it began, or that it took."""
    seconds_left: float | None
    """Null where that is not known."""
    message: str
    """Why it was stopped or failed, in a sentence; empty otherwise."""
    result: dict[str, Any] | None
    """What a job that is done came to; null before."""


class MappedField(TypedDict):
    """A field of a vote, and the column of a file that it is read from."""

    field: str
    title: str
    """What it is, in words."""
    column: str
    """Empty where it is read from none."""
    needed: bool


class ExampleVote(TypedDict):
    """A vote of a file, as it would come in."""

    prompt: str
    kind: str
    """preference, tie, both_good, both_bad, skip or ranking."""
    share: float | None
    """Probability that the first image is the better one, where the file tells it."""
    ranks: list[int]
    """Of a ranking: one for each image, the lowest for the best."""
    annotator: str
    place: str
    """File and row."""


class LayoutName(TypedDict):
    """A layout in which others keep votes."""

    layout: str
    title: str


class SourcePreview(TypedDict):
    """What would come in from a file or a folder."""

    path: str
    layout: str
    layout_title: str
    layouts: list[LayoutName]
    """All layouts that files can be read as."""
    kind: str
    """parquet, json, csv or folders."""
    sent: bool
    """Whether a browser sent the files, so that they move into the studio."""
    files: int
    columns: list[str]
    """Columns that the fields can be read from."""
    mapping: list[MappedField]
    rows: int | None
    """Rows of all files; null where they would have to be counted."""
    looked_at: int
    """Rows that were looked at: the first ones of many."""
    whole: bool
    """Whether these are all."""
    votes: dict[str, int]
    """Votes in the rows that were looked at, by kind."""
    left_out: dict[str, int]
    """Rows of these that give no vote, by reason."""
    images: int
    annotators: int
    known: dict[str, str]
    """The source that has a file already, by the file's name."""
    problem: str
    """Why no vote can be read with these columns, in a sentence; empty if some can."""
    field: str
    """The field of the mapping that is at fault; empty for none."""
    examples: list[ExampleVote]
    """Ten of them, from all over the file."""


class SourceView(TypedDict):
    """Votes that came in from files, under one name."""

    name: str
    layout: str
    files: list[str]
    faults: dict[str, str]
    """Files whose images cannot be read now, each with the reason: gone or changed."""
    votes: dict[str, int]
    """By kind."""
    images: int
    left_out: dict[str, int]
    """Rows that gave no vote, by reason."""
    double: dict[str, int]
    """Votes that another source has as well, by its name."""
    weight: float
    """How much each of its votes counts in a run."""
    used: bool
    """Whether runs take its votes."""
    who: str
    """Who brought it in."""
    created: str
    """ISO 8601 in UTC."""


class ImportedSource(TypedDict):
    """A source that came in."""

    source: SourceView
    known: dict[str, str]
    """Files that were left out, as they came in before, each with the source that has it."""
    message: str
    """All of it in a sentence."""


class ExportForm(TypedDict):
    """A form in which votes can be written."""

    form: str
    title: str
    read_by: str
    """Programs that read it."""
    loses: list[str]
    """What it does not hold, in sentences."""


class ExportResult(TypedDict):
    """An export that was written, read back and compared."""

    path: str
    form: str
    files: int
    bytes: int
    rows: int
    left_out: dict[str, int]
    """Votes that are not in it, by reason."""
    download: str
    """Address of a small one as a zip file, relative to the server root; empty for a large one."""


class MergePreview(TypedDict):
    """What another studio would add to this one."""

    path: str
    new: dict[str, int]
    """Votes, people, versions and others that are not here yet, by what they are."""
    is_nothing: bool
    """Whether everything is here already."""
    notes: list[str]
    """All of it in sentences."""


class MergeResult(TypedDict):
    """What a merge added."""

    added: dict[str, int]
    """Votes, people, versions and others, by what they are."""
    message: str
    """All of it in a sentence."""


class RestoreResult(TypedDict):
    """What of an export was restored."""

    votes: int
    rankings: int
    images: int
    of_sources: int
    """Rows that once came in from files, which an import as a source takes."""
    message: str
    """All of it in sentences."""


class BackupView(TypedDict):
    """A backup of the whole studio."""

    path: str
    name: str
    created: str
    """The time that it is of, in ISO 8601 and UTC."""
    votes: int
    bytes: int


class BackupResult(TypedDict):
    """A backup that was made."""

    path: str
    bytes: int
    """What it added to the folder of backups."""
    message: str
    """All of it in a sentence."""


class DataHtml(TypedDict):
    """The section Data in Settings, as the page shows it: HTML by the name of its place."""

    regions: dict[str, str]
    job: DataJobView | None
    message: str
    """What came of a change, as a sentence; empty for none."""
