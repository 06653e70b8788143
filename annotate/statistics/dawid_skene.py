"""One-coin Dawid-Skene: the accuracy of each annotator, from pairs that several people voted on.

Of every pair one image is the better one, unknown to us, and an annotator names it with a
probability of their own (Dawid and Skene 1979; the one-coin model of Zhang et al. 2016, arXiv
1406.3824). EM alternates between the truth of each pair and the accuracy of each annotator.

Somebody with another taste looks inaccurate to this model. What they say twice
(`side_bias.consistency`) tells the two apart, so `vote_weights` takes the better of both.
"""

# Shape suffixes: U units (pairs of images), P people, R resamples.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from align.intervals import percentile_interval, resampled_counts

PRIOR_RIGHT, PRIOR_WRONG = 6.0, 2.0
"""Pseudo-counts of right and wrong votes that everybody starts with (a beta prior)."""
MIN_PEOPLE = 3
MIN_SHARED_VOTES = 10
"""Votes of an annotator on shared pairs, below which their weight stays 1."""
MIN_WEIGHT = 0.1
MAX_STEPS = 200
RESAMPLES = 200
TOLERANCE = 1e-9
BOOTSTRAP_TOLERANCE = 1e-5
"""Coarser for resamples, whose spread is far larger."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """An annotator's probability to name the better image, with its 95 % interval."""

    accuracy: float
    low: float
    high: float
    shared: int
    """Votes on pairs that others voted on too."""


def estimate_reliability(
    units: Sequence[Mapping[str, int]], seed: int = 0
) -> tuple[dict[str, Reliability], str]:
    """Return the reliability of everybody who shares pairs, or none and the reason in a sentence.

    Args:
        units: for each pair what each annotator said of it: 0 or 1, which image is better.
        seed: of the resampling.
    """
    shared = [unit for unit in units if len(unit) >= 2]
    people = sorted({person for unit in shared for person in unit})
    # With two people the model cannot tell who of them is wrong.
    if len(people) < MIN_PEOPLE or not any(len(unit) >= MIN_PEOPLE for unit in shared):
        return {}, (
            "Who can be relied on shows once three people or more have voted on the same pairs."
        )

    said_UP = np.zeros((len(shared), len(people)))
    for row, unit in enumerate(shared):
        for person, which in unit.items():
            said_UP[row, people.index(person)] = 2 * which - 1

    accuracy_P = fit_accuracies(said_UP, np.ones((1, len(shared))))[0]
    low_P, high_P = bootstrap_intervals(said_UP, seed)
    votes_P = np.abs(said_UP).sum(axis=0).astype(int)
    return {
        person: Reliability(
            float(accuracy_P[p]), float(low_P[p]), float(high_P[p]), int(votes_P[p])
        )
        for p, person in enumerate(people)
    }, ""


def fit_accuracies(
    said_UP: np.ndarray,
    times_RU: np.ndarray,
    prior: tuple[float, float] = (PRIOR_RIGHT, PRIOR_WRONG),
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Return everybody's accuracy by EM, for every resample at once.

    Args:
        said_UP: -1 or 1 where an annotator voted on a unit, else 0.
        times_RU: how often each unit counts in each resample.
        prior: right and wrong votes that everybody starts with.
        tolerance: a step that moves no accuracy by this much is the last.
    """
    voted_UP = np.abs(said_UP)
    votes_RP = times_RU @ voted_UP

    # EM starts from the majority vote, which keeps it from the mirrored solution where everybody
    # is wrong.
    truth_RU = np.broadcast_to(said_UP.sum(axis=1) / voted_UP.sum(axis=1), times_RU.shape)
    accuracy_RP = update_accuracies(said_UP, votes_RP, times_RU, truth_RU, prior)
    for _ in range(MAX_STEPS):
        # E step. The truth of a unit as a number from -1 to 1 is tanh of half its log odds.
        odds_RP = np.log(accuracy_RP) - np.log1p(-accuracy_RP)
        truth_RU = np.tanh(odds_RP @ said_UP.T / 2)
        # M step.
        better_RP = update_accuracies(said_UP, votes_RP, times_RU, truth_RU, prior)
        moved = np.abs(better_RP - accuracy_RP).max()
        accuracy_RP = better_RP
        if moved < tolerance:
            break
    return accuracy_RP


def update_accuracies(
    said_UP: np.ndarray,
    votes_RP: np.ndarray,
    times_RU: np.ndarray,
    truth_RU: np.ndarray,
    prior: tuple[float, float],
) -> np.ndarray:
    """Return the M step: the share of each annotator's votes that the expected truth calls right.

    `truth_RU` is -1 for a certain first image, 1 for a certain second one, 0 for an open unit.
    """
    right, wrong = prior
    agreed_RP = (votes_RP + (times_RU * truth_RU) @ said_UP) / 2
    share_RP = (right + agreed_RP) / np.maximum(right + wrong + votes_RP, TOLERANCE)
    # Log odds of exactly 0 or 1 would be infinite.
    return np.asarray(np.clip(share_RP, 1e-6, 1 - 1e-6))


def bootstrap_intervals(said_UP: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return everybody's 95 % interval: percentiles over resampled units."""
    units = len(said_UP)
    times_RU = resampled_counts(np.ones(units), RESAMPLES, seed)
    accuracy_RP = fit_accuracies(said_UP, times_RU, tolerance=BOOTSTRAP_TOLERANCE)
    low_P, high_P = percentile_interval(accuracy_RP, max(2, units))
    return low_P, high_P


def vote_weights(
    people: Mapping[str, Reliability], consistent: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return how much each annotator's votes count, from MIN_WEIGHT to 1.

    A weight is the accuracy above chance relative to that of the median annotator. Only somebody
    whose whole interval lies below the median accuracy gets less than 1, so that bad luck in a few
    votes costs nobody weight.

    Args:
        people: what Dawid-Skene found.
        consistent: the accuracy that repeated pairs prove for some; the better of both counts.
    """
    enough = {name: found for name, found in people.items() if found.shared >= MIN_SHARED_VOTES}
    if len(enough) < MIN_PEOPLE:
        return {}
    median = float(np.median([found.accuracy for found in enough.values()]))
    if median <= 0.5:
        return {}

    weights = {}
    for name, found in enough.items():
        accuracy = max(found.accuracy, (consistent or {}).get(name, 0.0))
        above_chance = (2 * accuracy - 1) / (2 * median - 1)
        lower = found.high < median
        weights[name] = round(min(1.0, max(MIN_WEIGHT, above_chance)), 2) if lower else 1.0
    return weights
