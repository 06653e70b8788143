"""Summary of the votes as JSON values, with a sentence where there is no number."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from align.intervals import Proportion
from annotate.insights.attributes import ATTRIBUTES, NAMES
from annotate.insights.example_pairs import MAX_EXAMPLES, ExamplePairs, newest
from annotate.insights.report_source import ReportSource
from annotate.statistics import vote_tables
from annotate.statistics.attribute_effects import MIN_VOTES, AttributeEffect, attribute_effects
from annotate.statistics.bradley_terry import Leaderboard, RankedVersion
from annotate.statistics.disagreements import Contrast, Disagreement, contrasts, disagreements
from annotate.statistics.image_pairs import Preferences
from annotate.statistics.vote_columns import BOTH_BAD, BOTH_GOOD, SKIP, TIE, VoteColumns
from annotate.views.vote_insights import (
    AttributeEffectView,
    ContrastView,
    DifferencesView,
    DisagreementView,
    LeaderboardView,
    LikesView,
    PromptVotesView,
    RankedVersionView,
    ReasonView,
    VoteCountsView,
)
from annotate.views.voting_habits import ProportionView

MAX_PROMPTS = 40
MAX_WORDS = 24
MAX_DISAGREEMENTS = 12
WORDS = {attribute.name: attribute for attribute in ATTRIBUTES}


def describe_proportion(share: Proportion) -> ProportionView:
    """Return a proportion with its count and interval."""
    return {
        "count": share.count,
        "of": share.of,
        "low": share.low,
        "high": share.high,
        "value": share.value,
    }


def describe_votes(source: ReportSource, reasons: Sequence[tuple[int, str]]) -> VoteCountsView:
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


def describe_prompt(votes: VoteColumns) -> PromptVotesView:
    """Return the votes on one prompt by verdict."""

    def count(verdict: int) -> int:
        return int((votes.verdict == verdict).sum())

    return {
        "prompt": votes.prompts[votes.prompt[0]],
        "votes": len(votes),
        "decisive": int(votes.decisive.sum()),
        "tie": count(TIE),
        "both_good": count(BOTH_GOOD),
        "both_bad": count(BOTH_BAD),
        "skip": count(SKIP),
        "median_ms": vote_tables.median_ms(votes),
    }


def describe_reason(reason: str, votes: VoteColumns, source: ReportSource) -> ReasonView:
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


def describe_leaderboards(leaderboards: Sequence[Leaderboard]) -> list[LeaderboardView]:
    """Return each leaderboard with the chances that one version beats another."""
    return [
        {
            "places": [describe_rank(version) for version in board.versions],
            "beats": {f"{a} {b}": chance for (a, b), chance in board.beats.items()},
            "prompts": board.prompts,
            "why": board.why,
        }
        for board in leaderboards
    ]


def describe_rank(version: RankedVersion) -> RankedVersionView:
    """Return one version of a leaderboard."""
    return {
        "version": version.version,
        "votes": version.votes,
        "strength": version.strength,
        "rate": version.rate,
        "low": version.low,
        "high": version.high,
        "group": version.group,
    }


def describe_likings(source: ReportSource) -> LikesView:
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
) -> AttributeEffectView:
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


def describe_contrast(contrast: Contrast) -> ContrastView:
    """Return a contrast in words, as shares in the direction that the person chooses more."""
    mine, theirs = contrast.mine.value or 0.0, contrast.theirs.value or 0.0
    low, high = contrast.low, contrast.high
    if contrast.difference < 0:
        mine, theirs, low, high = 1 - mine, 1 - theirs, -high, -low

    return {
        "name": contrast.name,
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


def describe_differences(source: ReportSource) -> DifferencesView | None:
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
        "attributes": [describe_contrast(contrast) for contrast in sides if contrast.significant],
    }


def describe_disagreement(pair: Disagreement, example_pairs: ExamplePairs) -> DisagreementView:
    """Return a pair that most others decided otherwise, the person's choice first."""
    example: DisagreementView = {
        **example_pairs.without_images(pair.row),
        "others": pair.others,
        "against": pair.against,
    }
    example_pairs.fill_later(example, pair.row, pair.first_won)
    return example
