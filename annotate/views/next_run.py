"""The next run: its settings, what it would be, and when it starts by itself."""

from typing import Any, Literal, TypedDict

from align.contracts.run_settings import RunSettingFields
from annotate.views.training import PlanView


class SavedRunSettings(TypedDict):
    """Settings of runs that are saved with the project, and what may be set."""

    settings: dict[str, Any]
    """What is saved: only what differs from the defaults."""
    known: RunSettingFields
    """Every setting, with its default for the open model and what it means."""


class RunPreview(TypedDict):
    """What a run with some settings would be, and whether one makes sense now."""

    plan: PlanView | None
    """None where the settings cannot be used, or where there is nothing to learn from."""
    possible: bool
    """Whether the page offers the run."""
    reason: str
    """Why it does not; empty where it does."""
    error: str
    """What is wrong with the settings; empty where nothing is."""
    field: str
    """Name of the setting that is wrong; empty where it is none alone."""


class LongRunQuestion(TypedDict):
    """A run that is due and takes long, so that somebody is asked before it starts."""

    minutes: float
    """What it should take."""
    votes: int
    """New decisive votes that it would learn from."""
    tonight: str
    """The local time after which it starts if the answer is tonight, such as 22:00."""


class PolicyActivation(TypedDict):
    """A version that became active by itself."""

    version: str
    sentence: str
    """What it was decided by."""
    created: str
    """When, in UTC."""


Activation = Literal["never", "checks", "blind_test"]


class AutomaticRunsView(TypedDict):
    """When runs start by themselves, and when versions become active by themselves."""

    every: int
    """Decisive votes after which a run starts; 0 for never."""
    at: str
    """Local time after which one starts each day if there are new votes, such as 22:00; or ""."""
    until_next: int | None
    """Decisive votes that the next run waits for; null where votes start none."""
    activation: Activation
    """never; checks: once its checks passed and its held-out pairs say that it is better than the
    base, and no worse than the active version; blind_test: once a blind test against the active
    version says that it is better."""
    question: LongRunQuestion | None
    """What somebody has to agree to before the run that is due starts; null for nothing."""
    activated: list[PolicyActivation]
    """Versions that became active by themselves, newest first."""


class RunNotice(TypedDict):
    """What the page says about runs and versions without being asked."""

    html: str
    """Empty where there is nothing to say."""
    told: str
    """Names the version that became active by itself last, so that it is told once; or ""."""
