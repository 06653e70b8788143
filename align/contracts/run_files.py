"""Runs: their plan, status, result and metrics, as trainer and app exchange them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NotRequired, TypedDict

from align.contracts.rendering import LookFacts


class RunState(StrEnum):
    """The state of a fine-tuning run."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    """Its process ended at a checkpoint, to leave the device to others; the app starts it again."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class RunPlan(TypedDict):
    """A run before it starts: its settings as they will be used, and the minutes it should take."""

    preset: str
    """Training preset of the model: embedded, sdxl or sdxl-v."""
    objective: str
    objective_title: str
    source: str
    """Where the objective comes from."""
    pairs: int
    """Preferences to learn from, those held out included."""
    held_out: int
    """Preferences that judge the run and are not trained on."""
    steps: int
    batch: int
    """Pairs per optimizer step."""
    rank: int
    kappa: float
    beta: float
    """Twice kappa, as the papers count it."""
    learning_rate: float
    minutes: float
    """What it should take."""
    max_minutes: float
    """What it may take; 0 without a limit."""
    passes: float
    """How often it sees each pair that it learns from."""
    side: int
    """It trains at as many pixels as a square of this side has."""
    notes: list[str]
    """Sentences on what the device decides: pixels, and steps that do not fit."""
    summary: str
    """The plan as a sentence."""


class FolderPlan(RunPlan):
    """The plan of a run folder, as `python -m align train --dry-run` prints it."""

    model: str
    """The model's name."""
    left_out: dict[str, int]
    """Votes that the objective does not learn from, by kind."""


class SettledSettings(TypedDict, total=False):
    """Settings that depend on the device, as the trainer settled them at its first start.

    The run folder keeps them as plan.json, so that a run that is resumed while more or less memory
    is free gives the same weights to the bit. Older runs have none, or fewer of them.
    """

    micro_batch_size: int
    """Pairs per forward pass."""
    gradient_checkpointing: str
    """none, some or all."""
    base_format: str
    """model, int8 or nf4."""
    tiled_encoding: bool
    """True where an image does not fit as a whole while it is encoded."""
    resolution: int
    """Side in pixels of a square of as many pixels as it trains at."""
    steps: int
    """Optimizer steps that fit into its minutes."""
    settled_after: int
    """The step after which their number was settled."""


class MeasuredPace(TypedDict):
    """Pace of a run, as its trainer measured it."""

    device: str
    """Type of the device: cpu, cuda, mps, ..."""
    name: str
    """Name of the device; empty where it has none."""
    side: int
    """It trained at as many pixels as a square of this side has."""
    forward_s: float
    """Seconds of a forward pass of one image; a backward pass counts as one more."""


class HoldoutResult(TypedDict):
    """Accuracy of a version on pairs whose prompts it never saw."""

    pairs: int
    accuracy: float | None
    """Share of the pairs that it orders as people did; None without pairs."""
    p_value: float | None
    """One-sided, against guessing."""
    helped: bool | None
    """None where too few pairs leave both possible."""
    against: bool
    """True where fewer pairs are ordered as people did than guessing explains."""


class TrainProbeResult(TypedDict):
    """Accuracy of a version on some of the pairs that it learned from."""

    pairs: int
    flipped: float | None
    """Share of the pairs that it orders against the people; None without pairs."""
    against: bool
    """True where they are more than a coin explains."""


class CheckEntry(TypedDict):
    """One release check of a version, beside its base."""

    version: NotRequired[str]
    """The version's name; left out where there is one version only."""
    name: str
    """images, variety, prompt, held_out or settled."""
    passed: bool
    value: float
    """What was measured."""
    limit: float
    """The value that decides between passing and failing."""
    sentence: str
    """The result for a person."""


class ReferenceErrors(TypedDict):
    """Use of the cache of the reference's errors."""

    asked: int
    """Noise samples whose errors were asked for."""
    known: int
    """Those that were in the cache."""


class CheckedRun(TypedDict, total=False):
    """The release checks of a finished run."""

    checks: list[CheckEntry]
    held_back: bool
    """True where a check failed, so that labelers do not get the version."""
    diversity: float
    """Variety of its images as a share of the base's."""
    unchecked: str
    """The reason why nothing was checked."""


class RunResult(CheckedRun, total=False):
    """The result of a finished run, as status.json holds it; earlier releases left some out."""

    adapter: str
    """Name of the adapter's file in the run folder."""
    objective: str
    objective_title: str
    """The field's name of it, such as Diffusion-DPO; `objective_plain` says what it does."""
    objective_plain: str
    pairs: int
    """Preferences of the run, those held out included."""
    left_out: dict[str, int]
    """Votes that the objective does not learn from, by kind."""
    held_out: HoldoutResult
    """Accuracy on pairs whose prompts it never saw."""
    settled: TrainProbeResult
    """Accuracy on some of the pairs that it learned from."""
    train_accuracy: float
    """Moving average of rewards/accuracies at the last step."""
    kept_step: int
    """The step whose adapter is kept."""
    micro_batch_size: int
    """Pairs per forward pass, fewer than set where memory ran out."""
    micro_pairs: int
    """The former name of `micro_batch_size`, for one release."""
    gradient_checkpointing: str
    """The blocks that were computed again in the backward pass: none, some or all."""
    base_format: str
    """The format of the base's linear layers while it trained: model, int8 or nf4."""
    compiled: str
    """The outcome of the setting `compile`, in words."""
    stopped_early: bool
    """True where held-out pairs ended it before its last step."""
    reference_draws: ReferenceErrors
    """Errors of the frozen base that the run asked for."""
    seconds: float
    """Time of training, checks and pauses left out."""
    pace: MeasuredPace
    """How fast it trained, by which later runs are planned."""
    movement: float
    """How far the version has moved from its base: the change of what it predicts on fixed inputs,
    as a share of what is predicted."""
    alike: float
    """Share of the sampled images that look the same before and after it."""
    advice: str
    """What to do next, in a sentence or two."""
    look: LookFacts
    """What its images were to be rendered with when it began."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """State and progress of a run; status.json holds its fields."""

    state: RunState
    phase: str = ""
    """What the trainer does now, in words; empty once the run has ended."""
    step: int = 0
    """Optimizer steps done."""
    steps: int = 0
    """Optimizer steps of the whole run."""
    progress: float = 0.0
    """From 0 to 1, preparation included."""
    eta_s: float | None = None
    """Seconds left; None while nobody knows."""
    error: str | None = None
    """The reason why the run failed, as a sentence."""
    result: RunResult | None = None
    """The result of a run that is done."""
    pid: int | None = None
    """Id of the trainer's process."""
    pid_started: float | None = None
    """Start of that process, in seconds since 1970: ids are used again."""
    updated: float = 0.0
    """Time of the last write, in seconds since 1970."""
    silent_s: float = 0.0
    """Seconds since the process last wrote its status, where that is more than a minute."""
    cancelling: bool = False
    """Somebody asked it to stop, which it does after its present step."""


StepRewards = TypedDict(
    "StepRewards",
    {
        "rewards/chosen": Annotated[float, "Implicit reward of the chosen images."],
        "rewards/rejected": Annotated[float, "Implicit reward of the rejected images."],
        "rewards/accuracies": Annotated[
            float, "Share of the pairs whose chosen image has the higher reward."
        ],
        "rewards/margins": Annotated[float, "Reward of the chosen minus that of the rejected."],
        "rewards/mean": Annotated[float, "Mean reward of both images."],
    },
)
"""Rewards of a step, means over its pairs; the names are those of trl's DPOTrainer."""


class StepMetrics(StepRewards):
    """Means over the pairs of one optimizer step."""

    loss: float
    grad_norm: float
    """Norm of the gradient before it is clipped."""
    held_out_accuracy: NotRequired[float]
    """Share of the held-out pairs ordered as people did, after steps that evaluate them."""


class LoggedStep(StepMetrics):
    """A step with its number and speed."""

    step: int
    pairs_per_s: float | None
    """Speed since the first step; None at that one."""
    eta_s: float | None
    """Seconds left; None at the first step."""


class MetricsRow(LoggedStep):
    """One line of metrics.jsonl; earlier releases left some names out."""

    accuracy: float
    """The former name of rewards/accuracies, for one release."""
    margin_winner: float
    """The former name of rewards/chosen."""
    margin_loser: float
    """The former name of rewards/rejected."""
    reward: float
    """The former name of rewards/mean."""


LEGACY_METRICS = {
    "accuracy": "rewards/accuracies",
    "margin_winner": "rewards/chosen",
    "margin_loser": "rewards/rejected",
    "reward": "rewards/mean",
}
"""Former names of metrics and the present ones, which are trl's: both are written for one release,
and files that have only the former ones are read for good."""
