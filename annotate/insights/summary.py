"""Summary of the votes as JSON values, with a sentence where there is no number."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from annotate.insights.attributes import ATTRIBUTES, NAMES
from annotate.insights.example_pairs import MAX_EXAMPLES, ExamplePairs, newest
from annotate.statistics import vote_tables
from annotate.statistics.attribute_effects import MIN_VOTES, AttributeEffect, attribute_effects
from annotate.statistics.bradley_terry import Leaderboard
from annotate.statistics.dawid_skene import estimate_reliability
from annotate.statistics.disagreements import Contrast, Disagreement, contrasts, disagreements
from annotate.statistics.image_pairs import ImagePairVotes, Preferences
from annotate.statistics.intervals import Proportion
from annotate.statistics.krippendorff import alpha_from_counts
from annotate.statistics.side_bias import consistency, side_bias
from annotate.statistics.vote_columns import (
    BOTH_BAD,
    BOTH_GOOD,
    LEFT,
    NONE,
    SKIP,
    TIE,
    VERDICTS,
    VoteColumns,
)

MAX_SHARED_PAIRS = 2000
"""The newest pairs with votes of several people, from which reliability is estimated."""
MAX_PROMPTS = 40
MAX_WORDS = 24
MAX_DISAGREEMENTS = 12
WORDS = {attribute.name: attribute for attribute in ATTRIBUTES}


@dataclass(frozen=True)
class ReportSource:
    """Input of a report: all votes, and whose are described (None for everybody's)."""

    votes: VoteColumns
    units: ImagePairVotes
    """Everybody's votes on each two images."""
    person: str | None
    gold: Mapping[int, bool]
    """For each gold pair, whether its first image is the better one."""
    image_features: np.ndarray
    """A row for each image; NaN where it is not measured."""
    example_pairs: ExamplePairs = field(init=False)
    mine: VoteColumns = field(init=False)
    person_index: int = field(init=False)
    """The person's index among all people, or NONE."""

    def __post_init__(self) -> None:
        people = self.votes.people
        index = people.index(self.person) if self.person in people else NONE
        # The class is frozen; these fields are derived once.
        object.__setattr__(self, "example_pairs", ExamplePairs(self.votes))
        object.__setattr__(self, "mine", self.votes.of(self.person))
        object.__setattr__(self, "person_index", index)

    def measured(self, preferences: Preferences) -> Preferences:
        """Return the preferences of which both images are measured."""
        known = ~np.isnan(self.image_features[:, 0])
        return preferences.where(known[preferences.chosen] & known[preferences.rejected])

    def differences(self, preferences: Preferences) -> np.ndarray:
        """Return, for each preference, the chosen image's features less the other's."""
        differences: np.ndarray = (
            self.image_features[preferences.chosen] - self.image_features[preferences.rejected]
        )
        return differences


def describe_proportion(share: Proportion) -> dict[str, Any]:
    """Return a proportion with its count and interval."""
    return {**asdict(share), "value": share.value}


def describe_votes(source: ReportSource, reasons: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """Return counts of votes by time and prompt, and the reasons given for them."""
    votes = source.mine
    quarters = vote_tables.votes_per_quarter_hour(votes)
    prompts, in_all = vote_tables.prompts_by_votes(votes, MAX_PROMPTS)

    return {
        "votes": len(votes),
        "decisive": int(votes.decisive.sum()),
        "pace": {
            "per_day": vote_tables.votes_per_day(quarters),
            "per_hour": vote_tables.votes_per_hour(quarters),
            "median_ms": vote_tables.median_ms(votes),
        },
        "prompts": [describe_prompt(votes.where(votes.prompt == prompt)) for prompt in prompts],
        "more_prompts": max(0, in_all - MAX_PROMPTS),
        "words": [
            {"word": word, "good": describe_proportion(share), "tells": significant}
            for word, share, significant in vote_tables.good_rate_by_word(votes)[:MAX_WORDS]
        ],
        "reasons": [
            describe_reason(reason, votes.where(rows), source)
            for reason, rows in vote_tables.rows_by_reason(votes, reasons)
        ],
    }


def describe_prompt(votes: VoteColumns) -> dict[str, Any]:
    """Return the votes on one prompt by verdict."""
    return {
        "prompt": votes.prompts[votes.prompt[0]],
        "votes": len(votes),
        "decisive": int(votes.decisive.sum()),
        **{
            VERDICTS[verdict]: int((votes.verdict == verdict).sum())
            for verdict in (TIE, BOTH_GOOD, BOTH_BAD, SKIP)
        },
        "median_ms": vote_tables.median_ms(votes),
    }


def describe_reason(reason: str, votes: VoteColumns, source: ReportSource) -> dict[str, Any]:
    """Return one reason with the prompts it was given on, and example pairs, the newest first."""
    prompts = Counter(votes.prompt.tolist()).most_common(MAX_EXAMPLES)
    # Vote ids are in ascending order.
    rows = np.searchsorted(source.votes.vote, votes.vote)
    return {
        "reason": reason,
        "votes": len(votes),
        "prompts": [{"prompt": votes.prompts[index], "votes": count} for index, count in prompts],
        "examples": source.example_pairs.examples(newest(rows, source.votes)),
    }


def describe_habits(source: ReportSource) -> dict[str, Any]:
    """Return habits of each annotator, or of the one person, and agreement between annotators."""
    names = vote_tables.people_by_votes(source.mine)
    # One person's report is about the pairs they voted on, with the votes of others on these.
    units = source.units if source.person is None else source.units.with_person(source.person_index)
    reliability, why = estimate_reliability(units.decisions(MAX_SHARED_PAIRS))
    return {
        "habits": {name: describe_annotator(source.mine.of(name), source.gold) for name in names},
        "agreement": asdict(alpha_from_counts(units.counts(), units.people())),
        "reliability": {name: asdict(reliability[name]) for name in names if name in reliability},
        "reliability_why": why,
    }


def describe_annotator(votes: VoteColumns, gold: Mapping[int, bool]) -> dict[str, Any]:
    """Return one annotator's habits: sides, repeats, gold pairs and pace."""
    sides = side_bias((votes.verdict[votes.decisive] == LEFT).tolist())
    twice = consistency(vote_tables.repeated_pairs(votes))

    return {
        "votes": len(votes),
        "median_ms": vote_tables.median_ms(votes),
        "left": describe_proportion(sides.left),
        "leaning": sides.leaning,
        "looked_at": sides.looked_at,
        "same_twice": describe_proportion(twice.same),
        "left_twice": twice.left_twice,
        "right_twice": twice.right_twice,
        "tie_twice": twice.tie_twice,
        "tie_once": twice.tie_once,
        "known": describe_proportion(vote_tables.gold_accuracy(votes, gold)),
    }


def describe_leaderboards(leaderboards: Sequence[Leaderboard]) -> list[dict[str, Any]]:
    """Return each leaderboard with the chances that one version beats another."""
    return [
        {
            "places": [asdict(version) for version in board.versions],
            "beats": {f"{a} {b}": chance for (a, b), chance in board.beats.items()},
            "prompts": board.prompts,
            "why": board.why,
        }
        for board in leaderboards
    ]


def describe_likings(source: ReportSource) -> dict[str, Any]:
    """Return the attributes that the person, or the majority of everybody, chooses more often."""
    # Of everybody the majority, so that votes on one pair, which go together, count once.
    if source.person is None:
        choices = source.measured(source.units.majority())
    else:
        choices = source.measured(source.units.preferences_of(source.person_index))
    found = attribute_effects(source.differences(choices), NAMES)
    return {
        "pairs": len(choices),
        "why": why_nothing_stands_out(len(choices), found),
        "attributes": [describe_effect(effect, choices, source.example_pairs) for effect in found],
    }


def why_nothing_stands_out(pairs: int, found: Sequence[AttributeEffect]) -> str:
    """Return the reason why no attribute stands out, or an empty text where one does."""
    if pairs < MIN_VOTES:
        return (
            f"{pairs} pairs with a left or right vote say too little; from {MIN_VOTES} on there "
            "is something to see, and from 100 on it is worth believing."
        )
    if not any(effect.significant for effect in found):
        return (
            f"Nothing stands out in {pairs} pairs. More votes show smaller likings, or the taste "
            "is for something these numbers do not see."
        )
    return ""


def describe_effect(
    effect: AttributeEffect, choices: Preferences, example_pairs: ExamplePairs
) -> dict[str, Any]:
    """Return one attribute with its example pairs and the clearest counterexample."""
    shown = [(int(choices.row[n]), bool(choices.first_won[n])) for n in effect.examples]

    against = None
    if effect.counterexample is not None:
        row, first_won = (
            choices.row[effect.counterexample],
            choices.first_won[effect.counterexample],
        )
        against = example_pairs.example(int(row), bool(first_won))

    return {
        "name": effect.name,
        "words": direction(effect.name, (effect.more.value or 0.5) - 0.5),
        "more": describe_proportion(effect.more),
        "effect": effect.effect,
        "effect_low": effect.effect_low,
        "effect_high": effect.effect_high,
        "p": effect.p,
        "tells": effect.significant,
        "examples": example_pairs.examples(shown),
        "against": against,
    }


def describe_contrast(contrast: Contrast) -> dict[str, Any]:
    """Return a contrast in words, as shares in the direction that the person chooses more."""
    mine, theirs = contrast.mine.value or 0.0, contrast.theirs.value or 0.0
    low, high = contrast.low, contrast.high
    if contrast.difference < 0:
        mine, theirs, low, high = 1 - mine, 1 - theirs, -high, -low

    return {
        "words": direction(contrast.name, contrast.difference),
        "mine": mine,
        "theirs": theirs,
        "difference": mine - theirs,
        "low": low,
        "high": high,
    }


def direction(name: str, sign: float) -> str:
    """Return an attribute in words, for more (0 or above) or for less of it."""
    return WORDS[name].more if sign >= 0 else WORDS[name].less


def describe_differences(source: ReportSource) -> dict[str, Any] | None:
    """Compare a person with the others, of whom nobody is named; None for everybody's report."""
    if source.person is None:
        return None
    found, compared = disagreements(source.units, source.person_index)
    mine = source.measured(source.units.preferences_of(source.person_index))
    crowd = source.measured(source.units.without_person(source.person_index).majority())
    sides = contrasts(source.differences(mine), source.differences(crowd), NAMES)

    return {
        "compared": compared,
        "different": len(found),
        "pairs": [
            describe_disagreement(pair, source.example_pairs) for pair in found[:MAX_DISAGREEMENTS]
        ],
        "attributes": [
            {"name": contrast.name, **describe_contrast(contrast)}
            for contrast in sides
            if contrast.significant
        ],
    }


def describe_disagreement(pair: Disagreement, example_pairs: ExamplePairs) -> dict[str, Any]:
    """Return a pair that most others decided otherwise, the person's choice first."""
    example = example_pairs.example(pair.row, pair.first_won)
    example.update(others=pair.others, against=pair.against)
    return example
