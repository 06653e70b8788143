"""Do people agree beyond chance? Krippendorff's alpha for names, with gaps, by hand."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from annotate.statistics.sequential_test import expanded_tail

RESAMPLES = 1000
FEWEST_UNITS = 5
"""Fewer pairs with several voters give no interval."""
Units = Iterable[Mapping[str, str]]
"""For each pair, what each person said of it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha with its 95 % interval; `why` says in a sentence why one of them is missing."""

    alpha: float | None
    low: float | None
    high: float | None
    pairs: int
    """Pairs that two people or more voted on."""
    people: int
    why: str = ""


def agreement(units: Units, seed: int = 0) -> Agreement:
    """Krippendorff's alpha (2011, nominal), resampling whole pairs for the interval."""
    shared = [unit for unit in units if len(unit) >= 2]
    people = len({person for unit in shared for person in unit})
    counts = [Counter(unit.values()) for unit in shared]
    names = sorted({name for count in counts for name in count})
    n_UK = np.array([[count[name] for name in names] for count in counts], dtype=np.int64)
    return agreement_of(n_UK.reshape(len(shared), len(names)), people, seed)


def agreement_of(n_UK: np.ndarray, people: int, seed: int = 0) -> Agreement:
    """The same, given how many of so many people said each thing of each pair."""
    n_UK = n_UK[n_UK.sum(axis=1) >= 2]
    if not len(n_UK):
        return Agreement(None, None, None, 0, 0, "No pair has votes of two people yet.")
    # Pairs with the same votes are alike; there are few kinds of them, however many pairs.
    kinds_KK, times_K = np.unique(n_UK, axis=0, return_counts=True)
    coincidences = coincidence(kinds_KK)
    alpha = alpha_of(np.tensordot(times_K.astype(np.float64), coincidences, axes=1)[None])[0]
    if np.isnan(alpha):
        why = (
            "Everybody said the same of every pair, so how much of it is chance cannot be told. "
            "More pairs will."
        )
        return Agreement(None, None, None, len(n_UK), people, why)
    if len(n_UK) < FEWEST_UNITS:
        why = f"An interval needs {FEWEST_UNITS} pairs with votes of several people."
        return Agreement(float(alpha), None, None, len(n_UK), people, why)
    low, high = resampled(coincidences, times_K, seed)
    return Agreement(float(alpha), low, high, len(n_UK), people)


def coincidence(n_UK: np.ndarray) -> np.ndarray:
    """For each pair, how often two of its votes said a and b; a pair of m votes adds up to m."""
    n_UK = n_UK.astype(np.float64)
    votes_U = n_UK.sum(axis=1)
    pairs_UKK = n_UK[:, :, None] * n_UK[:, None, :]
    pairs_UKK -= n_UK[:, :, None] * np.eye(n_UK.shape[1])
    return np.asarray(pairs_UKK / (votes_U - 1)[:, None, None])


def alpha_of(coincidence_RKK: np.ndarray) -> np.ndarray:
    """1 - observed / expected disagreement of each table; NaN where none is expected."""
    votes_RK = coincidence_RKK.sum(axis=2)
    total_R = votes_RK.sum(axis=1)
    same_R = np.trace(coincidence_RKK, axis1=1, axis2=2)
    expected_R = total_R**2 - (votes_RK**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha_R = 1 - (total_R - 1) * (total_R - same_R) / expected_R
    return np.where(expected_R > 1e-9, alpha_R, np.nan)


def resampled(coincidence_UKK: np.ndarray, times_U: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval: percentiles over resampled pairs; a table that says nothing is left out.

    Args:
        coincidence_UKK: a table for each kind of pair.
        times_U: how many pairs are of that kind.
        seed: of the chance.
    """
    pairs = int(times_U.sum())
    chance = np.random.default_rng(seed)
    drawn_RU = chance.multinomial(pairs, times_U / pairs, size=RESAMPLES)
    tables = np.tensordot(drawn_RU.astype(np.float64), coincidence_UKK, axes=1)
    alphas = alpha_of(tables)
    tail = expanded_tail(0.025, pairs)
    low, high = np.nanquantile(alphas, [tail, 1 - tail])
    return float(low), float(high)
