"""Confidence intervals for proportions of votes: Wilson, Newcombe, and a bootstrap over prompts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes of one comparison: wins and losses of the new version, and ties."""

    wins: int
    losses: int
    ties: int = 0

    @property
    def decisive(self) -> int:
        """Count the votes that were no ties."""
        return self.wins + self.losses

    @property
    def rate(self) -> float | None:
        """Return the win rate over decisive votes; None without any."""
        return self.wins / self.decisive if self.decisive else None


@dataclass(frozen=True, slots=True)
class Proportion:
    """A proportion of some number of votes, with its 95 % Wilson interval."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """Return the proportion; None of nothing."""
        return self.count / self.of if self.of else None


def proportion(count: int, of: int) -> Proportion:
    """Return a proportion with its 95 % interval."""
    low, high = wilson_interval(Tally(count, of - count))
    return Proportion(count, of, low, high)


def wilson_interval(tally: Tally, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a win rate over decisive votes; (0, 1) without any.

    Wilson 1927, without continuity correction.
    """
    n = tally.decisive
    if n == 0:
        return 0.0, 1.0

    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = tally.wins / n
    center = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return max(0.0, center - reach), min(1.0, center + reach)


def newcombe_interval(mine: Proportion, theirs: Proportion) -> tuple[float, float, float]:
    """Return the difference of two independent proportions and its 95 % interval.

    Newcombe 1998, method 10: the Wilson limits of both, combined as squares.
    """
    a, b = mine.value or 0.0, theirs.value or 0.0
    low = math.hypot(a - mine.low, theirs.high - b)
    high = math.hypot(mine.high - a, b - theirs.low)
    return a - b, a - b - low, a - b + high


def bootstrap_over_prompts(
    votes: Mapping[str, Tally], level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Return an interval for the win rate that resamples whole prompts (cluster bootstrap).

    Votes on one prompt go together, so an interval that took them for independent ones would be
    too narrow. Percentile bootstrap with expanded tails. Returns None with fewer than two prompts
    that have a decisive vote.

    Args:
        votes: the tally of each prompt.
        level: the coverage to aim at.
        seed: of the resampling, so that the same votes give the same interval.
    """
    decided = [tally for tally in votes.values() if tally.decisive]
    if len(decided) < 2:
        return None

    wins = np.array([tally.wins for tally in decided])
    counts = np.array([tally.decisive for tally in decided])
    rows = np.random.default_rng(seed).integers(0, len(decided), (RESAMPLES, len(decided)))
    rates = wins[rows].sum(axis=1) / counts[rows].sum(axis=1)

    tail = expanded_tail((1 - level) / 2, len(decided))
    low, high = np.quantile(rates, [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(tail: float, clusters: int) -> float:
    """Return the percentile that makes a bootstrap interval as wide as Student's t would.

    A percentile bootstrap is too narrow for a small number of clusters: it lacks the factor
    sqrt(n / (n - 1)) and uses z for t. Hesterberg 2015 (arXiv 1411.5279) moves the
    percentiles outwards; t comes from the first term of its expansion in z (Abramowitz and
    Stegun 26.7.5).
    """
    z = -NormalDist().inv_cdf(tail)
    t = z + (z**3 + z) / (4 * (clusters - 1))
    return NormalDist().cdf(-math.sqrt(clusters / (clusters - 1)) * t)
