"""Habits of annotators, agreement between them, and what is done about them."""

from typing import TypedDict


class ProportionView(TypedDict):
    """A proportion of some number of votes, with its 95 % Wilson interval."""

    count: int
    of: int
    low: float
    high: float
    value: float | None
    """`count` of `of`; null of nothing."""


class HabitView(TypedDict):
    """One annotator's habits: sides, repeats, gold pairs and pace."""

    votes: int
    median_ms: float | None
    left: ProportionView
    """Decisive votes for the left image."""
    leaning: str | None
    """`left` or `right` where sides are taken more often than chance explains."""
    looked_at: int
    """First votes that the newest test for a leaning took; 0 before the first test."""
    same_twice: ProportionView
    """Of repeated pairs decided both times, those where the same image won."""
    left_twice: int
    """Repeats where another image won, since the left side was taken both times."""
    right_twice: int
    tie_twice: int
    tie_once: int
    """Repeats that became a tie, or stopped being one."""
    known: ProportionView
    """Gold pairs whose better image was chosen."""


class AgreementView(TypedDict):
    """Krippendorff's alpha with its 95 % interval."""

    alpha: float | None
    """1 is complete agreement, 0 what chance gives."""
    low: float | None
    high: float | None
    pairs: int
    """Pairs that two people or more voted on."""
    people: int
    why: str
    """Why alpha or its interval is missing, as a sentence."""


class ReliabilityView(TypedDict):
    """An annotator's probability to name the better image (Dawid-Skene), with its 95 % interval."""

    accuracy: float
    low: float
    high: float
    shared: int
    """Votes on pairs that others voted on too."""


class HabitsView(TypedDict):
    """Habits of annotators, and agreement between them."""

    habits: dict[str, HabitView]
    """By annotator."""
    agreement: AgreementView
    reliability: dict[str, ReliabilityView]
    """By annotator, of those who share pairs with others."""
    reliability_why: str
    """Why nobody's reliability is known, as a sentence."""


class WeightView(TypedDict):
    """Weight of somebody's votes in training."""

    weight: float
    reason: str
    since: str


class ExclusionView(TypedDict):
    """Votes that are, or were, left out of training."""

    exclusion: int
    person: str | None
    vote: int | None
    """The one vote that is left out; null where all of a person's are."""
    reason: str
    who: str
    since: str
    lifted: str | None
    """When they were taken in again."""


class QualitySettingsView(TypedDict):
    """Quality control of votes."""

    repeat_share: float
    """Pairs that are shown again with sides swapped, from 0 to 1."""
    gold_share: float
    weigh_votes: bool
    """Whether votes count by the reliability of whoever gave them."""
