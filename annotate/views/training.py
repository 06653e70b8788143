"""Training: plans, progress and results of fine-tuning runs."""

from typing import Any, NotRequired, TypedDict

from align.contracts.run_files import MetricsRow, RunPlan, RunResult


class PlanView(RunPlan):
    """Plan of a run that would start now."""

    left_out: NotRequired[str]
    """A sentence on votes that it would not learn from, where images of them are lost."""
    counts: NotRequired[str]
    """What the votes are, and which of them a run learns from, where it learns from everybody's."""
    sources: NotRequired[dict[str, int]]
    """Decisive votes that came in from files, by the name of their source; in `pairs` too."""


class VoteSource(TypedDict):
    """Another model of the studio, whose votes a run can take along."""

    model: str
    """Name of the model."""
    id: str
    votes: int
    """Decisive votes on its images."""


class ImportedSource(TypedDict):
    """A source of votes that came in from files, which a run can learn from."""

    name: str
    votes: int
    """Those that say which image is better."""
    weight: float
    """What a vote of it counts beside one given here."""
    used: bool
    """Whether runs take it that name no sources."""


class StartedRun(TypedDict):
    """A run that was queued."""

    run_id: str
    """Id of the run, such as r0001."""


class RunProgress(TypedDict):
    """Progress of a run."""

    state: str
    """queued, running, paused, done, failed, cancelled or interrupted.

    A run is paused while the device that it needs renders images; it goes on by itself."""
    progress: float
    """From 0 to 1."""
    eta_s: float | None
    """Seconds left; null where they cannot be estimated."""
    version: str | None
    """The version that it made."""
    error: str | None
    """Why it failed or was interrupted, in a sentence."""
    left_out: NotRequired[str]
    """A sentence on votes that it does not learn from, where images of them are lost."""
    cancelling: NotRequired[bool]
    """Somebody asked it to stop; it does so after its present step."""
    trouble: NotRequired[str]
    """A sentence on a trainer that has stopped answering."""


class RunView(RunProgress):
    """A run in the history of runs."""

    run_id: str
    trigger: str
    """What started it: person, threshold or daily."""
    created: str
    """ISO 8601 in UTC."""
    settings: dict[str, Any]
    """Settings as they were given; the others have their defaults."""
    snapshot: str
    """Id of the snapshot that it learns from."""
    counts: dict[str, int]
    """Rows of its snapshot by kind."""
    sources: dict[str, int]
    """Those of them that came in from files, by the name of their source."""
    result: RunResult | None


class SampleStageView(TypedDict):
    """An image of a prompt at one moment of a run."""

    step: int
    share: float
    """Share of the run's steps: 0 is the base, 1 the version that the run made."""
    url: str
    """Relative URL of the image."""


class SampleView(TypedDict):
    """A prompt that a run rendered while it trained, always with the same seed."""

    prompt: str
    voted: bool
    """True where people voted on images of this prompt, False where nobody labels it."""
    brought: NotRequired[bool]
    """True where these votes came in from files, and nobody gave one here."""
    seed: int
    stages: list[SampleStageView]
    """Its images, from the base to the version; stages for which time was short are missing."""


class RunDetail(RunView):
    """A run with everything that its folder says."""

    sheet_url: str | None
    """Relative URL of the images that its release checks rendered."""
    phase: str
    """What it does now, such as training."""
    step: int
    steps: int
    metrics: list[MetricsRow]
    samples: list[SampleView]
    """The same prompts and seeds before, during and after it; none of an older run."""
    all_settings: dict[str, Any]
    """Every setting that it trains with, by name; empty where its folder is damaged."""
    log: list[str]
    """The last lines of what its trainer printed."""
