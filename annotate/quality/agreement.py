"""Do people agree beyond chance? Krippendorff's alpha for names, with gaps, by hand."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from annotate.judging import expanded_tail

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
    if not shared:
        return Agreement(None, None, None, 0, 0, "No pair has votes of two people yet.")
    coincidences = coincidence(shared)
    alpha = alpha_of(coincidences.sum(axis=0)[None])[0]
    if np.isnan(alpha):
        why = (
            "Everybody said the same of every pair, so how much of it is chance cannot be told. "
            "More pairs will."
        )
        return Agreement(None, None, None, len(shared), people, why)
    if len(shared) < FEWEST_UNITS:
        why = f"An interval needs {FEWEST_UNITS} pairs with votes of several people."
        return Agreement(float(alpha), None, None, len(shared), people, why)
    low, high = resampled(coincidences, seed)
    return Agreement(float(alpha), low, high, len(shared), people)


def coincidence(units: Iterable[Mapping[str, str]]) -> np.ndarray:
    """For each pair, how often two of its votes said a and b; a pair of m votes adds up to m."""
    counts = [Counter(unit.values()) for unit in units]
    names = sorted({name for count in counts for name in count})
    n_UK = np.array([[count[name] for name in names] for count in counts], dtype=np.float64)
    votes_U = n_UK.sum(axis=1)
    pairs_UKK = n_UK[:, :, None] * n_UK[:, None, :]
    pairs_UKK -= n_UK[:, :, None] * np.eye(len(names))
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


def resampled(coincidence_UKK: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval: percentiles over resampled pairs; a table that says nothing is left out."""
    units = len(coincidence_UKK)
    chance = np.random.default_rng(seed)
    times_RU = chance.multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    tables = np.tensordot(times_RU.astype(np.float64), coincidence_UKK, axes=1)
    alphas = alpha_of(tables)
    tail = expanded_tail(0.025, units)
    low, high = np.nanquantile(alphas, [tail, 1 - tail])
    return float(low), float(high)
