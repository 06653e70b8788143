"""Insights computed from scratch, vote by vote: cached answers have to equal them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

import numpy as np

from align.intervals import Proportion, proportion
from annotate.insights.attributes import NAMES
from annotate.insights.habits import MAX_SHARED_PAIRS
from annotate.insights.summary import (
    MAX_DISAGREEMENTS,
    MAX_PROMPTS,
    MAX_WORDS,
    describe_contrast,
    describe_proportion,
    direction,
    why_nothing_stands_out,
)
from annotate.statistics.attribute_effects import attribute_effects
from annotate.statistics.dawid_skene import estimate_reliability
from annotate.statistics.disagreements import contrasts
from annotate.statistics.krippendorff import Agreement, alpha_from_counts
from annotate.statistics.side_bias import consistency, side_bias
from annotate.statistics.significance import benjamini_hochberg, binomial_test
from annotate.statistics.vote_tables import MIN_VOTES_ON_A_WORD, content_words
from annotate.urls import image_url
from storage.store import Store

FULL_VOTES = """
SELECT v.vote_id, v.pair_id, v.annotator, v.verdict, v.winner, v.left_image,
       CASE WHEN v.left_image = p.left_image THEN p.right_image ELSE p.left_image END,
       p.prompt, p.version, v.response_ms, v.created, t.trial_id, c.kind, c.of_pair, e.reason
FROM current_votes AS v
JOIN pairs AS p USING (pair_id)
LEFT JOIN trial_pairs AS t USING (pair_id)
LEFT JOIN control_pairs AS c USING (pair_id)
LEFT JOIN excluded_votes AS e ON e.vote_id = v.vote_id
WHERE v.base = ? AND v.pair_id NOT IN (SELECT pair_id FROM hidden_pairs)
ORDER BY v.vote_id
"""


@dataclass(frozen=True, slots=True)
class FullVote:
    """A current vote in full, with the images as they were shown."""

    vote_id: int
    pair_id: str
    annotator: str
    verdict: str
    winner: str | None
    left: str
    right: str
    prompt: str
    version: str
    response_ms: int | None
    created: datetime
    trial: str | None
    check: str | None
    """repeat or gold, for a control pair."""
    of_pair: str | None
    """The pair that it repeats."""
    excluded: str | None
    """The reason why no run trains on it; None if one may."""


MOST_EXAMPLES = 3
Images = tuple[str, str]
Units = dict[Images, dict[str, FullVote]]
Choice = tuple[str, str, str]
Looks = Mapping[str, np.ndarray]


def report(store: Store, base: str, looks: Looks, person: str | None) -> dict[str, Any]:
    """Everything that is kept, of one person's votes or of everybody's."""
    votes = [FullVote(*row) for row in store._database.read(FULL_VOTES, [base])]
    mine = [vote for vote in votes if person in (None, vote.annotator)]
    all_units = units = shared(votes)
    if person is not None:
        units = {images: unit for images, unit in units.items() if person in unit}
    reasons: dict[int, list[str]] = {}
    for vote_id, reason in store.quality.reasons(base):
        reasons.setdefault(vote_id, []).append(reason)
    gold = store.quality.control_pairs.gold(base)
    return {
        "people": people_of(votes) if person is None else [person],
        **describe_votes(mine, reasons),
        **describe_habits(mine, units, gold),
        "likes": describe_likings(units, all_units, looks, person),
        "differs": None if person is None else describe_differences(all_units, person, looks),
    }


def voted_images(store: Store, base: str) -> dict[str, str]:
    """The SHA-256 of every image with a current vote, by image id."""
    sql = (
        "SELECT image_id, sha256 FROM images WHERE image_id IN ("
        "  SELECT unnest([pairs.left_image, pairs.right_image]) FROM pairs"
        "  JOIN current_votes USING (pair_id) WHERE pairs.base = ?)"
    )
    return dict(store._database.read(sql, [base]))


def alpha_from_ratings(units: Iterable[Mapping[str, str]], seed: int = 0) -> Agreement:
    """Alpha of the value that each annotator gave each unit, with its interval."""
    shared = [unit for unit in units if len(unit) >= 2]
    people = len({person for unit in shared for person in unit})
    counts = [Counter(unit.values()) for unit in shared]
    values = sorted({value for count in counts for value in count})
    n_UK = np.array([[count[value] for value in values] for count in counts], dtype=np.int64)
    return alpha_from_counts(n_UK.reshape(len(shared), len(values)), people, seed)


def people_of(votes: Sequence[FullVote]) -> list[str]:
    """Name everybody who voted, those with most votes first."""
    counts = Counter(vote.annotator for vote in votes)
    return sorted(counts, key=lambda name: (-counts[name], name))


def images_of(vote: FullVote) -> Images:
    """Name both images of a vote, always in the same order."""
    first, second = sorted((vote.left, vote.right))
    return first, second


def loser(vote: FullVote) -> str:
    """Name the image that a decisive vote did not choose."""
    return vote.right if vote.winner == vote.left else vote.left


def shared(votes: Sequence[FullVote]) -> dict[Images, dict[str, FullVote]]:
    """For each two images, everybody's first vote on them; a skip is none."""
    units: defaultdict[Images, dict[str, FullVote]] = defaultdict(dict)
    for vote in votes:
        if vote.verdict != "skip":
            units[images_of(vote)].setdefault(vote.annotator, vote)
    return dict(units)


def opinions(units: dict[Images, dict[str, FullVote]]) -> list[dict[str, str]]:
    """Return everybody's opinion of shared images: first, second or tie."""
    return [
        {person: opinion(vote, images) for person, vote in unit.items()}
        for images, unit in units.items()
    ]


def opinion(vote: FullVote, images: Images) -> str:
    """Return the opinion of a vote on two images in their fixed order."""
    if vote.winner is None:
        return "tie"
    return "first" if vote.winner == images[0] else "second"


def decisions(units: dict[Images, dict[str, FullVote]]) -> list[dict[str, int]]:
    """Return the decisions of everybody: 0 or 1, the better one of two images."""
    return [
        {
            person: int(vote.winner == images[1])
            for person, vote in unit.items()
            if vote.winner is not None
        }
        for images, unit in units.items()
    ]


def repeated(votes: Sequence[FullVote]) -> list[tuple[str | None, str | None, bool]]:
    """One person's pairs that were asked twice, as `sides.consistency` wants them."""
    first = {vote.pair_id: vote for vote in votes if vote.check is None}
    pairs = [
        (first[vote.of_pair], vote)
        for vote in votes
        if vote.check == "repeat" and vote.of_pair in first and vote.verdict != "skip"
    ]
    return [(before.winner, again.winner, again.verdict == "left") for before, again in pairs]


def known_answers(votes: Sequence[FullVote], gold: dict[str, str]) -> Proportion:
    """Return how often somebody chose the better image of gold pairs; a tie is no choice."""
    answers = {
        vote.of_pair or vote.pair_id: vote.winner == gold[vote.of_pair or vote.pair_id]
        for vote in votes
        if vote.winner is not None and (vote.of_pair or vote.pair_id) in gold
        and vote.check != "repeat"
    }  # fmt: skip
    return proportion(sum(answers.values()), len(answers))


def local(moment: datetime) -> datetime:
    """Turn UTC without a zone into the clock on the wall."""
    return moment.replace(tzinfo=UTC).astimezone()


def per_day(votes: Sequence[FullVote]) -> dict[str, int]:
    """Count votes by day, days without any between the first and the last one too."""
    counts = Counter(local(vote.created).date() for vote in votes)
    if not counts:
        return {}
    days = range(min(counts).toordinal(), max(counts).toordinal() + 1)
    return {day.isoformat(): counts[day] for day in map(min(counts).fromordinal, days)}


def per_hour(votes: Sequence[FullVote]) -> list[int]:
    """Count votes by the hour of the day."""
    counts = Counter(local(vote.created).hour for vote in votes)
    return [counts[hour] for hour in range(24)]


def median_ms(votes: Sequence[FullVote]) -> float | None:
    """The middle time that a vote took; None where no page measured it."""
    times = [vote.response_ms for vote in votes if vote.response_ms is not None]
    return float(median(times)) if times else None


def by_prompt(votes: Sequence[FullVote]) -> dict[str, list[FullVote]]:
    """Sort votes by prompt, those with most first."""
    groups: defaultdict[str, list[FullVote]] = defaultdict(list)
    for vote in votes:
        groups[vote.prompt].append(vote)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))


def by_word(votes: Sequence[FullVote]) -> list[tuple[str, Proportion, bool]]:
    """For words of prompts, how often both images were called good where it was both or neither,
    and whether that stands out; both images of a pair have the same prompt, so no choice says it.
    """
    good: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for vote in votes:
        if vote.verdict in ("both_good", "both_bad"):
            for word in content_words(vote.prompt):
                told[word] += 1
                good[word] += vote.verdict == "both_good"
    words = [word for word in told if told[word] >= MIN_VOTES_ON_A_WORD]
    shares = [proportion(good[word], told[word]) for word in words]
    tells = benjamini_hochberg([binomial_test(one.count, one.of) for one in shares])
    found = zip(words, shares, tells, strict=True)
    return sorted(found, key=lambda row: (not row[2], -abs((row[1].value or 0.5) - 0.5), row[0]))


def describe_votes(
    votes: Sequence[FullVote], reasons: Mapping[int, Sequence[str]]
) -> dict[str, Any]:
    groups = list(by_prompt(votes).items())
    return {
        "votes": len(votes),
        "decisive": sum(vote.winner is not None for vote in votes),
        "pace": {
            "per_day": per_day(votes),
            "per_hour": per_hour(votes),
            "median_ms": median_ms(votes),
        },
        "prompts": [describe_prompt(prompt, some) for prompt, some in groups[:MAX_PROMPTS]],
        "more_prompts": max(0, len(groups) - MAX_PROMPTS),
        "words": [
            {"word": word, "good": describe_proportion(some), "tells": tells}
            for word, some, tells in by_word(votes)[:MAX_WORDS]
        ],
        "reasons": describe_reasons(votes, reasons),
    }


def describe_prompt(prompt: str, votes: Sequence[FullVote]) -> dict[str, Any]:
    """Return the votes on one prompt by verdict."""
    verdicts = [vote.verdict for vote in votes]
    named = ("tie", "both_good", "both_bad", "skip")
    return {
        "prompt": prompt,
        "votes": len(votes),
        "decisive": sum(vote.winner is not None for vote in votes),
        **{name: verdicts.count(name) for name in named},
        "median_ms": median_ms(votes),
    }


def describe_reasons(
    votes: Sequence[FullVote], reasons: Mapping[int, Sequence[str]]
) -> list[dict[str, Any]]:
    """Each reason: how often, on which prompts, and pairs; the most frequent first."""
    given: dict[str, list[FullVote]] = {}
    for vote in votes:
        for reason in reasons.get(vote.vote_id, ()):
            given.setdefault(reason, []).append(vote)
    ordered = sorted(given.items(), key=lambda row: (-len(row[1]), row[0]))
    return [describe_reason(reason, some) for reason, some in ordered]


def describe_reason(reason: str, votes: Sequence[FullVote]) -> dict[str, Any]:
    """One reason, the newest pairs first."""
    prompts = Counter(vote.prompt for vote in votes).most_common(MOST_EXAMPLES)
    newest = [
        (vote.prompt, vote.winner, loser(vote))
        for vote in reversed(votes)
        if vote.winner is not None
    ]
    return {
        "reason": reason,
        "votes": len(votes),
        "prompts": [{"prompt": prompt, "votes": count} for prompt, count in prompts],
        "examples": examples(newest),
    }


def describe_habits(
    votes: Sequence[FullVote], units: Units, gold: dict[str, str]
) -> dict[str, Any]:
    names = people_of(votes)
    people, why = estimate_reliability(decisions(dict(list(units.items())[-MAX_SHARED_PAIRS:])))
    return {
        "habits": {
            name: describe_annotator([vote for vote in votes if vote.annotator == name], gold)
            for name in names
        },
        "agreement": asdict(alpha_from_ratings(opinions(units))),
        "reliability": {name: asdict(people[name]) for name in names if name in people},
        "reliability_why": why,
    }


def describe_annotator(votes: Sequence[FullVote], gold: Mapping[str, str]) -> dict[str, Any]:
    """One person's habits."""
    sides = side_bias([vote.verdict == "left" for vote in votes if vote.winner is not None])
    twice = consistency(repeated(votes))
    return {
        "votes": len(votes),
        "median_ms": median_ms(votes),
        "left": describe_proportion(sides.left),
        "leaning": sides.leaning,
        "looked_at": sides.looked_at,
        "same_twice": describe_proportion(twice.same),
        "left_twice": twice.left_twice,
        "right_twice": twice.right_twice,
        "tie_twice": twice.tie_twice,
        "tie_once": twice.tie_once,
        "known": describe_proportion(known_answers(votes, dict(gold))),
    }


def describe_likings(
    units: Units, all_units: Units, looks: Looks, person: str | None
) -> dict[str, Any]:
    choices = majority(units) if person is None else choices_of(all_units, person)
    choices = [one for one in choices if one[1] in looks and one[2] in looks]
    found = attribute_effects(differences(choices, looks), NAMES)
    return {
        "pairs": len(choices),
        "why": why_nothing_stands_out(len(choices), found),
        "attributes": [describe_effect(one, choices) for one in found],
    }


def choices_of(units: Units, person: str) -> list[Choice]:
    """Return one person's preference of each two images, as given the first time."""
    votes = [unit[person] for unit in units.values() if person in unit]
    return [(v.prompt, v.winner, loser(v)) for v in votes if v.winner is not None]


def differences(choices: Sequence[Choice], looks: Mapping[str, np.ndarray]) -> np.ndarray:
    """For each choice, the chosen image's attributes less the other's."""
    rows = [looks[chosen] - looks[other] for _, chosen, other in choices]
    return np.array(rows) if rows else np.zeros((0, len(NAMES)))


def describe_effect(one: Any, choices: Sequence[Choice]) -> dict[str, Any]:
    """One attribute with its example pairs."""
    return {
        "name": one.name,
        "words": direction(one.name, (one.more.value or 0.5) - 0.5),
        "more": describe_proportion(one.more),
        "effect": one.effect,
        "effect_low": one.effect_low,
        "effect_high": one.effect_high,
        "p": one.p,
        "tells": one.significant,
        "examples": examples([choices[place] for place in one.examples]),
        "against": None if one.counterexample is None else example(choices[one.counterexample]),
    }


def examples(choices: Sequence[Choice]) -> list[dict[str, str]]:
    """The first few of these, each of another prompt."""
    first: dict[str, Choice] = {}
    for choice in choices:
        first.setdefault(choice[0], choice)
    return [example(choice) for choice in list(first.values())[:MOST_EXAMPLES]]


def example(choice: Choice) -> dict[str, str]:
    """A pair by the addresses of its images."""
    prompt, chosen, other = choice
    return {"prompt": prompt, "chosen_url": image_url(chosen), "other_url": image_url(other)}


def describe_differences(units: Units, person: str, looks: Looks) -> dict[str, Any]:
    found, compared = disagreements(units, person)
    mine = [one for one in choices_of(units, person) if one[1] in looks and one[2] in looks]
    others = {p: {n: v for n, v in unit.items() if n != person} for p, unit in units.items()}
    crowd = [one for one in majority(others) if one[1] in looks and one[2] in looks]
    sides = contrasts(differences(mine, looks), differences(crowd, looks), NAMES)
    return {
        "compared": compared,
        "different": len(found),
        "pairs": found[:MAX_DISAGREEMENTS],
        "attributes": [
            {"name": one.name, **describe_contrast(one)} for one in sides if one.significant
        ],
    }


def disagreements(units: Units, person: str) -> tuple[list[dict[str, Any]], int]:
    """Return where most others chose otherwise, the clearest first, and how many pairs are shared.

    A pair counts where the person and somebody else decided.
    """
    found, compared = [], 0
    for unit in units.values():
        mine = unit.get(person)
        others = [vote for name, vote in unit.items() if name != person and vote.winner]
        if mine is None or mine.winner is None or not others:
            continue
        compared += 1
        against = sum(vote.winner != mine.winner for vote in others)
        if 2 * against > len(others):
            told = example((mine.prompt, mine.winner, loser(mine)))
            found.append({**told, "others": len(others), "against": against})
    clearest = sorted(found, key=lambda one: (-one["against"], -one["against"] / one["others"]))
    return clearest, compared


def majority(units: Units) -> list[tuple[str, str, str]]:
    """Return the majority's preferences: (prompt, winner, loser); an even split gives none.

    So votes of several people on one pair, which go together, count once.
    """
    chosen = []
    for images, unit in units.items():
        counts = Counter(vote.winner for vote in unit.values() if vote.winner)
        first, second = (counts[image] for image in images)
        if first != second:
            winner, other = images if first > second else images[::-1]
            chosen.append((next(iter(unit.values())).prompt, winner, other))
    return chosen
