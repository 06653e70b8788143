"""Preference data on its way in and out: jobs, sources and exports."""

from typing import Any, Literal, TypedDict

JobState = Literal["running", "stopping", "done", "stopped", "failed"]


class DataJobView(TypedDict):
    """The newest long job on votes and files; its end is kept until the next one begins."""

    kind: str
    """What it does: preview, import, export, backup, merge or remove."""
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
    """How far it is, or how it ended, in a sentence."""
    result: dict[str, Any] | None
    """What a job that is done came to; null before."""
