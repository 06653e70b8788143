"""Everything that votes say, in values that JSON can hold; sentences where there is no number."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from annotate.insights.attributes import ATTRIBUTES, NAMES
from annotate.insights.example_pairs import MOST_EXAMPLES, ExamplePairs, newest
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

MOST_SHARED = 2000
"""Of the pairs with votes of several people, the newest so many say who can be relied on."""
MOST_PROMPTS = 40
MOST_WORDS = 24
MOST_DISSENTS = 12
WORDS = {one.name: one for one in ATTRIBUTES}


@dataclass(frozen=True)
class Source:
    """All votes, and whose are looked at: one person's, or with None everybody's."""

    votes: VoteColumns
    units: ImagePairVotes
    """Everybody's votes on each two images."""
    person: str | None
    gold: Mapping[int, bool]
    """The pairs whose answer is known, and whether it is their first image."""
    image_features: np.ndarray
    """The numbers about images, a row each; NaN where an image is not measured."""
    example_pairs: ExamplePairs = field(init=False)
    mine: VoteColumns = field(init=False)
    place: int = field(init=False)
    """The person's place among all people, or NONE."""

    def __post_init__(self) -> None:
        people = self.votes.people
        place = people.index(self.person) if self.person in people else NONE
        object.__setattr__(self, "example_pairs", ExamplePairs(self.votes))
        object.__setattr__(self, "mine", self.votes.of(self.person))
        object.__setattr__(self, "place", place)

    def measured(self, choices: Preferences) -> Preferences:
        """Return the choices of which both images are measured."""
        known = ~np.isnan(self.image_features[:, 0])
        return choices.where(known[choices.chosen] & known[choices.rejected])

    def differences(self, choices: Preferences) -> np.ndarray:
        """For each choice, the chosen image's numbers less the other's."""
        differences: np.ndarray = (
            self.image_features[choices.chosen] - self.image_features[choices.rejected]
        )
        return differences


def told(some: Proportion) -> dict[str, Any]:
    """A share in full."""
    return {**asdict(some), "value": some.value}


def told_votes(source: Source, reasons: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """How many votes there are, when they were given, on what, and why the losers lost."""
    votes = source.mine
    quarters = vote_tables.votes_per_quarter_hour(votes)
    prompts, in_all = vote_tables.prompts_by_votes(votes, MOST_PROMPTS)
    return {
        "votes": len(votes),
        "decisive": int(votes.decisive.sum()),
        "pace": {
            "per_day": vote_tables.votes_per_day(quarters),
            "per_hour": vote_tables.votes_per_hour(quarters),
            "median_ms": vote_tables.median_ms(votes),
        },
        "prompts": [told_prompt(votes.where(votes.prompt == place)) for place in prompts],
        "more_prompts": max(0, in_all - MOST_PROMPTS),
        "words": [
            {"word": word, "good": told(some), "tells": tells}
            for word, some, tells in vote_tables.good_rate_by_word(votes)[:MOST_WORDS]
        ],
        "reasons": [
            told_reason(reason, votes.where(rows), source)
            for reason, rows in vote_tables.rows_by_reason(votes, reasons)
        ],
    }


def told_prompt(votes: VoteColumns) -> dict[str, Any]:
    """How the votes on one prompt went."""
    return {
        "prompt": votes.prompts[votes.prompt[0]],
        "votes": len(votes),
        "decisive": int(votes.decisive.sum()),
        **{
            VERDICTS[said]: int((votes.verdict == said).sum())
            for said in (TIE, BOTH_GOOD, BOTH_BAD, SKIP)
        },
        "median_ms": vote_tables.median_ms(votes),
    }


def told_reason(reason: str, votes: VoteColumns, source: Source) -> dict[str, Any]:
    """One reason, the newest pairs first."""
    prompts = Counter(votes.prompt.tolist()).most_common(MOST_EXAMPLES)
    rows = np.searchsorted(source.votes.vote, votes.vote)
    return {
        "reason": reason,
        "votes": len(votes),
        "prompts": [{"prompt": votes.prompts[place], "votes": count} for place, count in prompts],
        "examples": source.example_pairs.examples(newest(rows, source.votes)),
    }


def told_habits(source: Source) -> dict[str, Any]:
    """How everybody votes, or the one person: sides, twice the same, known answers, agreement."""
    names = vote_tables.people_by_votes(source.mine)
    units = source.units if source.person is None else source.units.with_person(source.place)
    people, why = estimate_reliability(units.decisions(MOST_SHARED))
    return {
        "habits": {name: told_person(source.mine.of(name), source.gold) for name in names},
        "agreement": asdict(alpha_from_counts(units.counts(), units.people())),
        "reliability": {name: asdict(people[name]) for name in names if name in people},
        "reliability_why": why,
    }


def told_person(votes: VoteColumns, gold: Mapping[int, bool]) -> dict[str, Any]:
    """One person's habits."""
    sides = side_bias((votes.verdict[votes.decisive] == LEFT).tolist())
    twice = consistency(vote_tables.repeated_pairs(votes))
    return {
        "votes": len(votes),
        "median_ms": vote_tables.median_ms(votes),
        "left": told(sides.left),
        "leaning": sides.leaning,
        "looked_at": sides.looked_at,
        "same_twice": told(twice.same),
        "left_twice": twice.left_twice,
        "right_twice": twice.right_twice,
        "tie_twice": twice.tie_twice,
        "tie_once": twice.tie_once,
        "known": told(vote_tables.gold_accuracy(votes, gold)),
    }


def told_boards(found: Sequence[Leaderboard]) -> list[dict[str, Any]]:
    """The boards of versions."""
    return [
        {
            "places": [asdict(place) for place in one.versions],
            "beats": {f"{a} {b}": chance for (a, b), chance in one.beats.items()},
            "prompts": one.prompts,
            "why": one.why,
        }
        for one in found
    ]


def told_taste(source: Source) -> dict[str, Any]:
    """What the person or everybody likes."""
    if source.person is None:
        choices = source.measured(source.units.majority())
    else:
        choices = source.measured(source.units.preferences_of(source.place))
    found = attribute_effects(source.differences(choices), NAMES)
    return {
        "pairs": len(choices),
        "why": why_thin(len(choices), found),
        "attributes": [told_liked(one, choices, source.example_pairs) for one in found],
    }


def why_thin(pairs: int, found: Sequence[AttributeEffect]) -> str:
    """Say why nothing is told, or nothing."""
    if pairs < MIN_VOTES:
        return (
            f"{pairs} pairs with a left or right vote say too little; from {MIN_VOTES} on there "
            "is something to see, and from 100 on it is worth believing."
        )
    if not any(one.significant for one in found):
        return (
            f"Nothing stands out in {pairs} pairs. More votes show smaller likings, or the taste "
            "is for something these numbers do not see."
        )
    return ""


def told_liked(
    one: AttributeEffect, choices: Preferences, example_pairs: ExamplePairs
) -> dict[str, Any]:
    """One attribute with its example pairs."""
    shown = [(int(choices.row[n]), bool(choices.first_won[n])) for n in one.examples]
    against = None
    if one.counterexample is not None:
        row, first_won = choices.row[one.counterexample], choices.first_won[one.counterexample]
        against = example_pairs.example(int(row), bool(first_won))
    return {
        "name": one.name,
        "words": direction(one.name, (one.more.value or 0.5) - 0.5),
        "more": told(one.more),
        "effect": one.effect,
        "effect_low": one.effect_low,
        "effect_high": one.effect_high,
        "p": one.p,
        "tells": one.significant,
        "examples": example_pairs.examples(shown),
        "against": against,
    }


def in_its_direction(one: Contrast) -> dict[str, Any]:
    """What a person chooses more often than the others, as shares in that direction."""
    mine, theirs = one.mine.value or 0.0, one.theirs.value or 0.0
    low, high = one.low, one.high
    if one.difference < 0:
        mine, theirs, low, high = 1 - mine, 1 - theirs, -high, -low
    return {
        "words": direction(one.name, one.difference),
        "mine": mine,
        "theirs": theirs,
        "difference": mine - theirs,
        "low": low,
        "high": high,
    }


def direction(name: str, sign: float) -> str:
    """An attribute in words, for more or for less of it."""
    return WORDS[name].more if sign >= 0 else WORDS[name].less


def told_differs(source: Source) -> dict[str, Any] | None:
    """Where a person differs from the crowd, without naming anybody of it; None for everybody."""
    if source.person is None:
        return None
    found, compared = disagreements(source.units, source.place)
    mine = source.measured(source.units.preferences_of(source.place))
    crowd = source.measured(source.units.without_person(source.place).majority())
    sides = contrasts(source.differences(mine), source.differences(crowd), NAMES)
    return {
        "compared": compared,
        "different": len(found),
        "pairs": [told_dissent(one, source.example_pairs) for one in found[:MOST_DISSENTS]],
        "attributes": [
            {"name": one.name, **in_its_direction(one)} for one in sides if one.significant
        ],
    }


def told_dissent(one: Disagreement, example_pairs: ExamplePairs) -> dict[str, Any]:
    """A pair on which most others chose the other image."""
    example = example_pairs.example(one.row, one.first_won)
    example.update(others=one.others, against=one.against)
    return example
