"""Confidence intervals of everything that counts votes: Wilson, Newcombe, and the bootstrap.

The app and the command line both take their intervals from here, so that they say the same of the
same votes. Pure numpy: neither package needs the other for it.
"""

# Shape suffixes: P prompts, R resamples, U kinds of units.

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

RESAMPLES = 2000
TAIL = 0.025
"""The share outside of a 95 % interval at either end."""
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes of one comparison: wins and losses of the new version, and ties."""

    wins: int
    losses: int
    ties: int = 0

    def __post_init__(self) -> None:
        if min(self.wins, self.losses, self.ties) < 0:
            raise ValueError(f"{self} has fewer than no votes. Count wins, losses and ties from 0.")

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
    """Return an interval for the win rate over decisive votes, from the tally of each prompt.

    See `clustered_rate_interval`. Returns None with fewer than two prompts that have a decisive
    vote.
    """
    decided = [tally for tally in votes.values() if tally.decisive]
    wins_P = np.array([tally.wins for tally in decided])
    votes_P = np.array([tally.decisive for tally in decided])
    return clustered_rate_interval(wins_P, votes_P, level, seed)


def clustered_rate_interval(
    wins_P: Array, votes_P: Array, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Return an interval for a win rate that resamples whole prompts (cluster bootstrap).

    Votes on one prompt go together, so an interval that took them for independent ones would be
    too narrow. Percentile bootstrap with expanded tails. Returns None with fewer than two prompts.

    Args:
        wins_P: the wins on each prompt; a tie may count one half.
        votes_P: the votes on each prompt, at least one.
        level: the coverage to aim at.
        seed: of the resampling, so that the same votes give the same interval.
    """
    prompts = len(votes_P)
    if prompts < 2:
        return None

    rows_RP = np.random.default_rng(seed).integers(0, prompts, (RESAMPLES, prompts))
    rates_R = wins_P[rows_RP].sum(axis=1) / votes_P[rows_RP].sum(axis=1)
    low, high = percentile_interval(rates_R, prompts, (1 - level) / 2)
    return float(low), float(high)


def resampled_counts(times_U: Array, resamples: int, seed: int) -> Array:
    """Return counts_RU: how often each kind of unit is drawn in each resample.

    Args:
        times_U: the number of units of each kind; a resample is as large as their sum.
        resamples: how many to draw.
        seed: of the resampling.
    """
    units = int(times_U.sum())
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, times_U / units, size=resamples).astype(np.float64)


def percentile_interval(samples_R: Array, clusters: int, tail: float = TAIL) -> Array:
    """Return the lower and the upper end of a bootstrap interval.

    Args:
        samples_R: a statistic of each resample; further axes hold further statistics.
        clusters: how many independent units were resampled, at least two.
        tail: the share to leave out at either end, before it is expanded.
    """
    expanded = expanded_tail(tail, clusters)
    ends: Array = np.quantile(samples_R, [expanded, 1 - expanded], axis=0)
    return ends


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
