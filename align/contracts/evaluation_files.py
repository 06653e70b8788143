"""Evaluations: evaluation.json, which `python -m align evaluate`, a run's release checks and a
blind test's report write, and annotate's report reads.
"""

from typing import NotRequired, TypedDict

from align.contracts.run_files import CheckEntry

FORMAT = 1
EVALUATION = "evaluation.json"
GRID = "grid.png"
"""Name of the contact sheet beside the images of a folder; whoever lists the images skips it."""


class ModelEntry(TypedDict):
    """The base of an evaluation."""

    name: str
    identity: str


class VersionEntry(TypedDict):
    """A version whose images were rendered; the base has a name only."""

    name: str
    title: NotRequired[str]
    """The name with what a person calls the version, where it has such a name."""
    run: NotRequired[str]
    adapter_sha256: NotRequired[str]
    objective: NotRequired[str]
    pairs: NotRequired[int]
    """Preferences that it was trained on."""
    movement: NotRequired[float]
    """How far it has moved from its base, as a share of what the base predicts."""


class ImageEntry(TypedDict):
    """An image of an evaluation."""

    version: str
    prompt: int
    """Index of the prompt."""
    seed: int
    file: str
    """Path relative to the folder."""


class ScoreEntry(TypedDict):
    """Scores of a version by one scorer, beside the base's."""

    scorer: str
    version: str
    mean: float
    median: float
    base_mean: float
    win_rate: float
    """Share of the images that score above the base's; a tie counts one half."""
    low: float | None
    """Lower end of the win rate's 95 % interval; None with fewer than two prompts."""
    high: float | None
    by_prompt: list[float]
    """Mean score of each prompt's images."""


class VerdictEntry(TypedDict):
    """Votes of a blind test of two versions, for one question."""

    before: str
    after: str
    question: str
    wins: int
    """Votes for `after`."""
    losses: int
    ties: int
    rate: float | None
    """Win rate of `after`, with its interval in `low` and `high`."""
    low: float | None
    high: float | None
    e_value: float
    outcome: str | None
    """better, worse or same; None while it is open."""
    by_prompt: dict[str, tuple[int, int, int]]
    """Wins, losses and ties."""
    by_person: dict[str, tuple[int, int, int]]


class EvaluationFile(TypedDict):
    """Contents of evaluation.json."""

    format: int
    created: str
    """ISO 8601 in UTC."""
    model: ModelEntry
    versions: list[VersionEntry]
    """The base first, where it was rendered."""
    prompts: list[str]
    seeds: list[int]
    images: list[ImageEntry]
    grids: list[str]
    """Sheets of all images, as paths relative to the folder."""
    checks: list[CheckEntry]
    scores: list[ScoreEntry]
    passed: bool
    """False where a check failed."""
    verdicts: NotRequired[list[VerdictEntry]]
