"""Krippendorff's alpha: agreement of several annotators beyond chance, on nominal data with gaps.

alpha = 1 - observed / expected disagreement, from coincidence matrices (Krippendorff 2011,
"Computing Krippendorff's Alpha-Reliability"): 1 is full agreement, 0 what chance gives, and below
0 is systematic disagreement. Units (pairs of images) with a single vote say nothing and drop out.
"""

# Shape suffixes: U units, K nominal values or kinds of units, R resamples.

from dataclasses import dataclass

import numpy as np

from align.intervals import percentile_interval, resampled_counts

RESAMPLES = 1000
MIN_UNITS = 5
"""Units with several votes below which there is no interval."""


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


def alpha_from_counts(n_UK: np.ndarray, people: int, seed: int = 0) -> Agreement:
    """Return alpha with an interval that resamples whole units.

    Args:
        n_UK: how many annotators gave each unit each value.
        people: how many annotators they are in all; it is passed on into the answer.
        seed: of the resampling.
    """
    n_UK = n_UK[n_UK.sum(axis=1) >= 2]
    if not len(n_UK):
        return Agreement(None, None, None, 0, 0, "No pair has votes of two people yet.")

    # Units with the same counts are alike; there are few kinds of them, however many units.
    kinds_KK, times_K = np.unique(n_UK, axis=0, return_counts=True)
    coincidences = coincidence_matrices(kinds_KK)
    alpha = nominal_alpha(np.tensordot(times_K.astype(np.float64), coincidences, axes=1)[None])[0]

    if np.isnan(alpha):
        why = (
            "Everybody said the same of every pair, so how much of it is chance cannot be told. "
            "More pairs will."
        )
        return Agreement(None, None, None, len(n_UK), people, why)
    if len(n_UK) < MIN_UNITS:
        why = f"An interval needs {MIN_UNITS} pairs with votes of several people."
        return Agreement(float(alpha), None, None, len(n_UK), people, why)
    low, high = bootstrap_interval(coincidences, times_K, seed)
    return Agreement(float(alpha), low, high, len(n_UK), people)


def coincidence_matrices(n_UK: np.ndarray) -> np.ndarray:
    """Return, for each unit, how often two of its votes said a and b.

    Each ordered pair of two votes counts 1 / (m - 1), so that a unit of m votes adds up to m.
    """
    n_UK = n_UK.astype(np.float64)
    votes_U = n_UK.sum(axis=1)
    pairs_UKK = n_UK[:, :, None] * n_UK[:, None, :]
    # A vote is not paired with itself.
    pairs_UKK -= n_UK[:, :, None] * np.eye(n_UK.shape[1])
    return np.asarray(pairs_UKK / (votes_U - 1)[:, None, None])


def nominal_alpha(coincidence_RKK: np.ndarray) -> np.ndarray:
    """Return 1 - observed / expected disagreement of each matrix; NaN where none is expected."""
    votes_RK = coincidence_RKK.sum(axis=2)
    total_R = votes_RK.sum(axis=1)
    same_R = np.trace(coincidence_RKK, axis1=1, axis2=2)
    expected_R = total_R**2 - (votes_RK**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha_R = 1 - (total_R - 1) * (total_R - same_R) / expected_R
    return np.where(expected_R > 1e-9, alpha_R, np.nan)


def bootstrap_interval(
    coincidence_UKK: np.ndarray, times_U: np.ndarray, seed: int
) -> tuple[float, float]:
    """Return a 95 % percentile interval over resampled units.

    A resample in which everybody said the same has no alpha and is left out.

    Args:
        coincidence_UKK: a coincidence matrix for each kind of unit.
        times_U: the number of units of each kind.
        seed: of the resampling.
    """
    counts_RU = resampled_counts(times_U, RESAMPLES, seed)
    alphas = nominal_alpha(np.tensordot(counts_RU, coincidence_UKK, axes=1))
    low, high = percentile_interval(alphas[~np.isnan(alphas)], int(times_U.sum()))
    return float(low), float(high)
