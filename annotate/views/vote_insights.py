"""Insights into votes: how they were given, and what they like."""

from typing import TypedDict

from annotate.views.voting_habits import (
    ExclusionView,
    HabitsView,
    HabitView,
    ProportionView,
    QualitySettingsView,
    WeightView,
)


class PaceView(TypedDict):
    """Counts of votes over time, in the server's local time."""

    per_day: dict[str, int]
    """By date; days without votes between the first and the last count 0."""
    per_hour: list[int]
    """By hour of the day, 0 to 23."""
    median_ms: float | None
    """Median response time; null where no page measured it."""


class PromptVotesView(TypedDict):
    """The votes on one prompt by verdict."""

    prompt: str
    votes: int
    decisive: int
    """Votes for the left or the right image."""
    tie: int
    both_good: int
    both_bad: int
    skip: int
    median_ms: float | None


class WordView(TypedDict):
    """A word of prompts, with the share of "both good" among "both good" and "both bad"."""

    word: str
    good: ProportionView
    tells: bool
    """Whether it stands out among all words."""


class ExamplePairView(TypedDict):
    """A pair that somebody decided, the chosen image first."""

    prompt: str
    chosen_url: str
    other_url: str


class PromptCountView(TypedDict):
    """A prompt with a count of votes."""

    prompt: str
    votes: int


class ReasonView(TypedDict):
    """A reason with the prompts it was given on most, and the newest pairs as examples."""

    reason: str
    votes: int
    prompts: list[PromptCountView]
    examples: list[ExamplePairView]


class VoteCountsView(TypedDict):
    """Votes by time, prompt, word and reason."""

    votes: int
    decisive: int
    """Votes for the left or the right image."""
    pace: PaceView
    prompts: list[PromptVotesView]
    """Those with most votes."""
    more_prompts: int
    """How many more there are."""
    words: list[WordView]
    reasons: list[ReasonView]


class RankedVersionView(TypedDict):
    """A version on a leaderboard."""

    version: str
    votes: int
    strength: float
    """Natural log odds to beat a version of mean strength."""
    rate: float
    """The chance to beat a version of mean strength, with its 95 % interval."""
    low: float | None
    high: float | None
    group: int
    """Versions of one group cannot be told apart yet; 1 is the best."""


class LeaderboardView(TypedDict):
    """Versions that votes of blind tests connect, the best first."""

    places: list[RankedVersionView]
    beats: dict[str, float]
    """The chance that the first of two versions, as in "v2 v1", is better than the second."""
    prompts: int
    why: str
    """Why there are no intervals, as a sentence."""


class AttributeEffectView(TypedDict):
    """An image attribute that is chosen more or less often."""

    name: str
    words: str
    """The direction that is chosen more often."""
    more: ProportionView
    """Of pairs that differ in it, those whose chosen image has more of it."""
    effect: float
    """Cohen's d of pairs, with its 95 % interval."""
    effect_low: float
    effect_high: float
    p: float
    """Two-sided p-value, of this attribute alone."""
    tells: bool
    """Whether it stands out among all attributes."""
    examples: list[ExamplePairView]
    against: ExamplePairView | None
    """The clearest counterexample."""


class LikesView(TypedDict):
    """Likings of somebody, or of the majority of everybody."""

    pairs: int
    why: str
    """Why nothing stands out, as a sentence."""
    attributes: list[AttributeEffectView]
    """Those that stand out first."""


class ContrastView(TypedDict):
    """An attribute that a person chooses more often than the others do."""

    name: str
    words: str
    mine: float
    """The person's share of choices with these words, from 0 to 1."""
    theirs: float
    difference: float
    """`mine` less `theirs`, with its 95 % interval."""
    low: float
    high: float


class DisagreementView(ExamplePairView):
    """A pair of which most others chose the other image; the person's choice first."""

    others: int
    """Others who decided it."""
    against: int
    """Of these, those who chose the other image."""


class DifferencesView(TypedDict):
    """One person compared with the others, of whom nobody is named."""

    compared: int
    """Pairs that others decided too."""
    different: int
    """Of these, those of which most others chose the other image."""
    pairs: list[DisagreementView]
    attributes: list[ContrastView]


class MeasuringView(TypedDict):
    """Progress of measuring the images that the report is about."""

    left: int
    of: int


class OwnVoteReport(VoteCountsView):
    """Report on one person's own votes, as it is cached."""

    people: list[str]
    habits: dict[str, HabitView]
    likes: LikesView


class VoteReport(VoteCountsView, HabitsView):
    """Report on one person's votes or on everybody's, as it is cached."""

    people: list[str]
    """Everybody who voted, those with most votes first."""
    boards: list[LeaderboardView]
    likes: LikesView
    differs: DifferencesView | None
    """Null in everybody's report."""


class OwnVotesView(OwnVoteReport):
    """Insights into a person's own votes, with nothing of others or versions."""

    person: str
    measuring: MeasuringView


class InsightsView(VoteReport):
    """Insights into one person's votes, or everybody's."""

    person: str | None
    """Null for everybody."""
    weights: dict[str, WeightView]
    """By annotator."""
    exclusions: list[ExclusionView]
    settings: QualitySettingsView
    measuring: MeasuringView
