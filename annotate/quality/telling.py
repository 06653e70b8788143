"""Everything that votes say, in values that JSON can hold; sentences where there is no number."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from annotate.attributes import ATTRIBUTES, NAMES
from annotate.painting import address
from annotate.quality import voting
from annotate.quality.agreement import agreement
from annotate.quality.board import Board
from annotate.quality.crowd import Contrast, contrasts, dissents, majority
from annotate.quality.liking import FEWEST_VOTES, Liked, liking
from annotate.quality.reliability import reliability
from annotate.quality.sides import Share, consistency, side_bias
from annotate.quality.voting import Pictures, Vote

MOST_SHARED = 2000
"""Of the pairs with votes of several people, the newest so many say who can be relied on."""
MOST_PROMPTS = 40
MOST_WORDS = 24
MOST_DISSENTS = 12
MOST_EXAMPLES = 3
WORDS = {one.name: one for one in ATTRIBUTES}
Choice = tuple[str, str, str]
"""Prompt, chosen picture, the other one."""


@dataclass(frozen=True)
class Source:
    """All votes, and whose are looked at: one person's, or with None everybody's."""

    votes: Sequence[Vote]
    person: str | None
    gold: Mapping[str, str]
    mine: list[Vote] = field(init=False)
    units: dict[Pictures, dict[str, Vote]] = field(init=False)
    """Everybody's votes on each two pictures; with a person, on those they voted on."""
    all_units: dict[Pictures, dict[str, Vote]] = field(init=False)
    """Everybody's votes on each two pictures."""

    def __post_init__(self) -> None:
        mine = [vote for vote in self.votes if self.person in (None, vote.annotator)]
        units = all_units = voting.shared(self.votes)
        if self.person is not None:
            units = {pictures: unit for pictures, unit in units.items() if self.person in unit}
        object.__setattr__(self, "mine", mine)
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "all_units", all_units)


def told(some: Share) -> dict[str, Any]:
    """A share in full."""
    return {**asdict(some), "value": some.value}


def told_votes(source: Source, reasons: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    """How many votes there are, when they were given, on what, and why the losers lost."""
    votes = source.mine
    groups = list(voting.by_prompt(votes).items())
    return {
        "votes": len(votes),
        "decisive": sum(vote.winner is not None for vote in votes),
        "pace": {
            "per_day": voting.per_day(votes),
            "per_hour": voting.per_hour(votes),
            "median_ms": voting.median_ms(votes),
        },
        "prompts": [told_prompt(prompt, some) for prompt, some in groups[:MOST_PROMPTS]],
        "more_prompts": max(0, len(groups) - MOST_PROMPTS),
        "words": [
            {"word": word, "good": told(some), "tells": tells}
            for word, some, tells in voting.by_word(votes)[:MOST_WORDS]
        ],
        "reasons": told_reasons(votes, reasons),
    }


def told_prompt(prompt: str, votes: Sequence[Vote]) -> dict[str, Any]:
    """How the votes on one prompt went."""
    verdicts = [vote.verdict for vote in votes]
    named = ("tie", "both_good", "both_bad", "skip")
    return {
        "prompt": prompt,
        "votes": len(votes),
        "decisive": sum(vote.winner is not None for vote in votes),
        **{name: verdicts.count(name) for name in named},
        "median_ms": voting.median_ms(votes),
    }


def told_reasons(
    votes: Sequence[Vote], reasons: Mapping[int, Sequence[str]]
) -> list[dict[str, Any]]:
    """Each reason: how often, on which prompts, and pairs; the most frequent first."""
    given: dict[str, list[Vote]] = {}
    for vote in votes:
        for reason in reasons.get(vote.vote_id, ()):
            given.setdefault(reason, []).append(vote)
    ordered = sorted(given.items(), key=lambda row: (-len(row[1]), row[0]))
    return [told_reason(reason, some) for reason, some in ordered]


def told_reason(reason: str, votes: Sequence[Vote]) -> dict[str, Any]:
    """One reason, the newest pairs first."""
    prompts = Counter(vote.prompt for vote in votes).most_common(MOST_EXAMPLES)
    newest = [
        (vote.prompt, vote.winner, voting.loser(vote))
        for vote in reversed(votes)
        if vote.winner is not None
    ]
    return {
        "reason": reason,
        "votes": len(votes),
        "prompts": [{"prompt": prompt, "votes": count} for prompt, count in prompts],
        "examples": examples(newest),
    }


def told_habits(source: Source, weights: Mapping[str, Any]) -> dict[str, Any]:
    """How everybody votes, or the one person: sides, twice the same, known answers, agreement."""
    names = voting.people_of(source.mine)
    people, why = reliability(voting.decisions(dict(list(source.units.items())[-MOST_SHARED:])))
    return {
        "habits": {
            name: told_person([vote for vote in source.mine if vote.annotator == name], source.gold)
            for name in names
        },
        "agreement": asdict(agreement(voting.opinions(source.units))),
        "reliability": {name: asdict(people[name]) for name in names if name in people},
        "reliability_why": why,
        "weights": {name: weights[name] for name in names if name in weights},
    }


def told_person(votes: Sequence[Vote], gold: Mapping[str, str]) -> dict[str, Any]:
    """One person's habits."""
    sides = side_bias([vote.verdict == "left" for vote in votes if vote.winner is not None])
    twice = consistency(voting.repeated(votes))
    return {
        "votes": len(votes),
        "median_ms": voting.median_ms(votes),
        "left": told(sides.left),
        "leaning": sides.leaning,
        "looked_at": sides.looked_at,
        "same_twice": told(twice.same),
        "left_twice": twice.left_twice,
        "right_twice": twice.right_twice,
        "tie_twice": twice.tie_twice,
        "tie_once": twice.tie_once,
        "known": told(voting.known_answers(votes, dict(gold))),
    }


def told_boards(found: Sequence[Board]) -> list[dict[str, Any]]:
    """The boards of versions."""
    return [
        {
            "places": [asdict(place) for place in one.places],
            "beats": {f"{a} {b}": chance for (a, b), chance in one.beats.items()},
            "prompts": one.prompts,
            "why": one.why,
        }
        for one in found
    ]


def told_taste(source: Source, looks: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What the person or everybody likes, and where the person differs from the crowd."""
    person = source.person
    units = source.all_units
    choices = majority(source.units) if person is None else choices_of(units, person)
    choices = [one for one in choices if one[1] in looks and one[2] in looks]
    found = liking(differences(choices, looks), NAMES)
    result: dict[str, Any] = {
        "likes": {
            "pairs": len(choices),
            "why": why_thin(len(choices), found),
            "attributes": [told_liked(one, choices) for one in found],
        },
        "differs": None,
    }
    if person is not None:
        result["differs"] = told_differs(units, person, choices, looks)
    return result


def choices_of(units: Mapping[Pictures, Mapping[str, Vote]], person: str) -> list[Choice]:
    """What one person chose of each two pictures, the first time."""
    votes = [unit[person] for unit in units.values() if person in unit]
    return [(v.prompt, v.winner, voting.loser(v)) for v in votes if v.winner is not None]


def differences(choices: Sequence[Choice], looks: Mapping[str, np.ndarray]) -> np.ndarray:
    """For each choice, the chosen picture's attributes less the other's."""
    rows = [looks[chosen] - looks[other] for _, chosen, other in choices]
    return np.array(rows) if rows else np.zeros((0, len(NAMES)))


def why_thin(pairs: int, found: Sequence[Liked]) -> str:
    """Say why nothing is told, or nothing."""
    if pairs < FEWEST_VOTES:
        return (
            f"{pairs} pairs with a left or right vote say too little; from {FEWEST_VOTES} on there "
            "is something to see, and from 100 on it is worth believing."
        )
    if not any(one.tells for one in found):
        return (
            f"Nothing stands out in {pairs} pairs. More votes show smaller likings, or the taste "
            "is for something these numbers do not see."
        )
    return ""


def told_liked(one: Liked, choices: Sequence[Choice]) -> dict[str, Any]:
    """One attribute with its example pairs."""
    return {
        "name": one.name,
        "words": direction(one.name, (one.more.value or 0.5) - 0.5),
        "more": told(one.more),
        "effect": one.effect,
        "effect_low": one.effect_low,
        "effect_high": one.effect_high,
        "p": one.p,
        "tells": one.tells,
        "examples": examples([choices[place] for place in one.examples]),
        "against": None if one.against is None else example(choices[one.against]),
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


def examples(choices: Sequence[Choice]) -> list[dict[str, str]]:
    """The first few of these, each of another prompt."""
    first: dict[str, Choice] = {}
    for choice in choices:
        first.setdefault(choice[0], choice)
    return [example(choice) for choice in list(first.values())[:MOST_EXAMPLES]]


def example(choice: Choice) -> dict[str, str]:
    """A pair by the addresses of its pictures."""
    prompt, chosen, other = choice
    return {"prompt": prompt, "chosen_url": address(chosen), "other_url": address(other)}


def told_differs(
    units: Mapping[Pictures, Mapping[str, Vote]],
    person: str,
    choices: Sequence[Choice],
    looks: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Where a person differs from the crowd, without naming anybody of it."""
    found, compared = dissents(units, person)
    others = {p: {n: v for n, v in unit.items() if n != person} for p, unit in units.items()}
    crowd = [one for one in majority(others) if one[1] in looks and one[2] in looks]
    sides = contrasts(differences(choices, looks), differences(crowd, looks), NAMES)
    return {
        "compared": compared,
        "different": len(found),
        "pairs": [
            {**example((one.prompt, one.chosen, one.crowds)),
             "others": one.others, "against": one.against}
            for one in found[:MOST_DISSENTS]
        ],
        "attributes": [
            {
                "name": one.name,
                **in_its_direction(one),
            }
            for one in sides
            if one.tells
        ],
    }  # fmt: skip
