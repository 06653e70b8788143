"""How a person votes, by that person's own votes: a leaning to one side, and the same answer twice.

Sides are shuffled, so a leaning teaches the model nothing; it only costs votes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from annotate.statistics.sequential_test import Tally, wilson

LOOKS = {25: 0.002, 50: 0.004, 100: 0.0353, 200: 0.003, 400: 0.002, 800: 0.001, 1600: 0.0005}
"""After how many votes a leaning is looked for, and the chance of a false alarm at each look."""
SMALLEST = 1e-18
ALARMS = 0.05
"""False alarms over all looks; what LOOKS hold adds up to less."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of some number of votes, with its 95 % interval (Wilson)."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class SideBias:
    """How often the left image won, and whether that is a leaning; `looked_at` votes said so."""

    left: Share
    leaning: str | None
    """left, right or None."""
    looked_at: int
    """The first votes of this number decided; 0 before the first look."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """What a person said of pairs shown twice, the second time with sides swapped."""

    same: Share
    """Of the pairs where an image won both times, those where it was the same one."""
    left_twice: int
    right_twice: int
    """Where another one won: the side that was taken both times."""
    tie_twice: int
    tie_once: int


def share(count: int, of: int) -> Share:
    """Return a share with its interval."""
    low, high = wilson(Tally(count, of - count))
    return Share(count, of, low, high)


def side_bias(lefts: Sequence[bool]) -> SideBias:
    """Look for a leaning in decisive votes, oldest first; each says whether the left one won.

    The test is the exact binomial one against 1/2, made after 25, 50, 100, 200... votes alone, so
    that watching it does not make it cry wolf; what the newest look said stands until the next.
    """
    looks = [n for n in LOOKS if n <= len(lefts)]
    leaning = None
    if looks:
        first = lefts[: looks[-1]]
        if two_sided(sum(first), len(first)) <= LOOKS[looks[-1]]:
            leaning = "left" if 2 * sum(first) > len(first) else "right"
    return SideBias(share(sum(lefts), len(lefts)), leaning, looks[-1] if looks else 0)


def two_sided(count: int, of: int) -> float:
    """The chance that a fair coin is at least as uneven (exact binomial test)."""
    whole, k = math.lgamma(of + 1) - of * math.log(2), max(count, of - count)
    term = math.exp(whole - math.lgamma(k + 1) - math.lgamma(of - k + 1))
    tail = term
    # Terms only get smaller; of many votes all but the first few hundred add nothing.
    while k < of and term > SMALLEST * tail:
        term *= (of - k) / (k + 1)
        k += 1
        tail += term
    return min(1.0, 2 * tail)


def consistency(twice: Sequence[tuple[object | None, object | None, bool]]) -> Consistency:
    """Add up pairs shown twice: the winner first, the winner again (None: a tie), and whether the
    second vote took the left side.
    """
    decided = [(a, b, left) for a, b, left in twice if a is not None and b is not None]
    other = [left for a, b, left in decided if a != b]
    ties = [(a is None) + (b is None) for a, b, _ in twice]
    return Consistency(
        same=share(len(decided) - len(other), len(decided)),
        left_twice=sum(other),
        right_twice=len(other) - sum(other),
        tie_twice=ties.count(2),
        tie_once=ties.count(1),
    )


def accuracy_of(same: float) -> float:
    """How often a person says what they would say on average, who says the same twice so often.

    Two independent answers, each right with chance q, are the same with chance q² + (1 - q)².
    """
    return (1 + math.sqrt(max(0.0, 2 * same - 1))) / 2
