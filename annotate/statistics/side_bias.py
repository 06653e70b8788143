"""Habits of one annotator: a bias to one side, and how often a repeated pair gets the same answer.

Sides are shuffled, so a bias teaches the model nothing; it only costs votes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from align.intervals import Proportion, proportion
from annotate.statistics.significance import binomial_test

ALPHA = 0.05
"""The chance of a false alarm over all interim looks together."""
ALPHA_AT_VOTES = {
    25: 0.002, 50: 0.004, 100: 0.0353, 200: 0.003, 400: 0.002, 800: 0.001, 1600: 0.0005
}  # fmt: skip
"""The chance of a false alarm that is spent at each interim look, by its number of votes.

They add up to less than ALPHA (Bonferroni), as in a group-sequential design. Most of it is
spent at 100 votes.
"""


@dataclass(frozen=True, slots=True)
class SideBias:
    """The share of decisive votes for the left image, and whether that is a bias."""

    left: Proportion
    leaning: str | None
    """left, right or None."""
    looked_at: int
    """The number of first votes that the newest look tested; 0 before the first look."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """Answers to pairs that were shown twice, the second time with sides swapped."""

    same: Proportion
    """Of the pairs where an image won both times, those where it was the same one."""
    left_twice: int
    right_twice: int
    """Where another one won: the side that was taken both times."""
    tie_twice: int
    tie_once: int


def side_bias(lefts: Sequence[bool]) -> SideBias:
    """Test decisive votes, oldest first, for a bias to one side.

    An exact binomial test against 1/2 runs only after 25, 50, 100, 200... votes: tested after each
    vote, fair annotators would be accused sooner or later. The newest look stands until the next.

    Args:
        lefts: for each vote, whether the left image won.
    """
    looks = [n for n in ALPHA_AT_VOTES if n <= len(lefts)]
    leaning = None
    if looks:
        first = lefts[: looks[-1]]
        if binomial_test(sum(first), len(first)) <= ALPHA_AT_VOTES[looks[-1]]:
            leaning = "left" if 2 * sum(first) > len(first) else "right"
    return SideBias(proportion(sum(lefts), len(lefts)), leaning, looks[-1] if looks else 0)


def consistency(twice: Sequence[tuple[object | None, object | None, bool]]) -> Consistency:
    """Count how pairs that were shown twice were answered.

    Args:
        twice: for each pair the winner of the first vote, that of the second (None for a tie), and
            whether the second vote took the left side.
    """
    decided = [(a, b, left) for a, b, left in twice if a is not None and b is not None]
    changed = [left for a, b, left in decided if a != b]
    ties = [(a is None) + (b is None) for a, b, _ in twice]
    return Consistency(
        same=proportion(len(decided) - len(changed), len(decided)),
        left_twice=sum(changed),
        right_twice=len(changed) - sum(changed),
        tie_twice=ties.count(2),
        tie_once=ties.count(1),
    )


def accuracy_from_repeats(same: float) -> float:
    """Return how often an annotator gives their own usual answer, from how often repeats agree.

    Two independent answers, each the usual one with probability q, agree with probability
    q² + (1 - q)²; this solves for q, at least 1/2.
    """
    return (1 + math.sqrt(max(0.0, 2 * same - 1))) / 2
