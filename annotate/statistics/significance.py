"""Significance tests: an exact binomial test, a two-proportion z test, and a correction for many.

Each is a page of a textbook; they stand here so that the app needs no SciPy.
"""

import math
from collections.abc import Sequence

from align.intervals import Proportion

FALSE_DISCOVERY_RATE = 0.05
NEGLIGIBLE_TERM = 1e-18
"""A term this small beside the sum so far changes no digit of a float."""


def binomial_test(count: int, of: int) -> float:
    """Return the two-sided p-value of an exact binomial test against 1/2."""
    log_whole, k = math.lgamma(of + 1) - of * math.log(2), max(count, of - count)
    term = math.exp(log_whole - math.lgamma(k + 1) - math.lgamma(of - k + 1))
    tail = term

    # Terms only get smaller; of many votes all but the first few hundred add nothing.
    while k < of and term > NEGLIGIBLE_TERM * tail:
        term *= (of - k) / (k + 1)
        k += 1
        tail += term
    return min(1.0, 2 * tail)


def two_proportion_z_test(mine: Proportion, theirs: Proportion) -> float:
    """Return the two-sided p-value of a pooled z test that two proportions are the same."""
    if not mine.of or not theirs.of:
        return 1.0

    pooled = (mine.count + theirs.count) / (mine.of + theirs.of)
    error = math.sqrt(pooled * (1 - pooled) * (1 / mine.of + 1 / theirs.of))
    if error == 0:
        return 1.0

    z = abs((mine.value or 0.0) - (theirs.value or 0.0)) / error
    return math.erfc(z / math.sqrt(2))


def benjamini_hochberg(p_values: Sequence[float], rate: float = FALSE_DISCOVERY_RATE) -> list[bool]:
    """Mark the tests to reject so that the expected share of false ones is at most `rate`.

    Benjamini and Hochberg 1995: with the p-values in ascending order, reject all up to the last
    one with p <= rate * rank / m.
    """
    order = sorted(range(len(p_values)), key=lambda a: p_values[a])
    last = 0
    for rank, a in enumerate(order, start=1):
        if p_values[a] <= rate * rank / len(p_values):
            last = rank
    rejected = set(order[:last])
    return [a in rejected for a in range(len(p_values))]
