"""How far each person's votes can be relied on, told from pairs that several people voted on.

One-coin Dawid-Skene (Dawid and Skene 1979; Zhang et al. 2016, arXiv 1406.3824): of every pair one
image is the better one, unknown to us, and a person names it with a chance of their own. A person
of another taste looks unreliable to it; what they say twice (`sides.consistency`) tells the two
apart, so `weights` takes the better of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotate.statistics.sequential_test import expanded_tail

PRIOR_RIGHT, PRIOR_WRONG = 6.0, 2.0
"""What everybody starts with, as if they had given so many votes, right and wrong."""
FEWEST_PEOPLE = 3
FEWEST_SHARED = 10
"""Votes of a person on pairs that others voted on too; with fewer their weight stays 1."""
STEPS = 200
RESAMPLES = 200
LEAST_WEIGHT = 0.1
NEARLY = 1e-9
NEARLY_ENOUGH = 1e-5
"""For resamples, whose spread is far larger."""


@dataclass(frozen=True, slots=True)
class Reliable:
    """A person's chance to name the better image, with its 95 % interval."""

    accuracy: float
    low: float
    high: float
    shared: int
    """Votes on pairs that others voted on too."""


def reliability(
    units: Sequence[Mapping[str, int]], seed: int = 0
) -> tuple[dict[str, Reliable], str]:
    """Return everybody who shares pairs, or nobody and a sentence that says why.

    Each unit is a pair with what people said of it: 0 or 1, which of its two images is better.
    """
    shared = [unit for unit in units if len(unit) >= 2]
    people = sorted({person for unit in shared for person in unit})
    if len(people) < FEWEST_PEOPLE or not any(len(unit) >= FEWEST_PEOPLE for unit in shared):
        return {}, (
            "Who can be relied on shows once three people or more have voted on the same pairs."
        )
    said_UP = np.zeros((len(shared), len(people)))
    for row, unit in enumerate(shared):
        for person, which in unit.items():
            said_UP[row, people.index(person)] = 2 * which - 1
    accuracy_P = fit(said_UP, np.ones((1, len(shared))))[0]
    low_P, high_P = resampled(said_UP, seed)
    votes_P = np.abs(said_UP).sum(axis=0).astype(int)
    return {
        person: Reliable(float(accuracy_P[p]), float(low_P[p]), float(high_P[p]), int(votes_P[p]))
        for p, person in enumerate(people)
    }, ""


def fit(
    said_UP: np.ndarray,
    times_RU: np.ndarray,
    prior: tuple[float, float] = (PRIOR_RIGHT, PRIOR_WRONG),
    until: float = NEARLY,
) -> np.ndarray:
    """Everybody's accuracy by EM, for every resample at once.

    Args:
        said_UP: -1 or 1 where a person voted on a pair, else 0.
        times_RU: how often each pair counts in each resample.
        prior: right and wrong votes that everybody starts with.
        until: a step that moves nobody by more is the last.
    """
    voted_UP = np.abs(said_UP)
    votes_RP = times_RU @ voted_UP
    truth_RU = np.broadcast_to(said_UP.sum(axis=1) / voted_UP.sum(axis=1), times_RU.shape)
    accuracy_RP = right_votes(said_UP, votes_RP, times_RU, truth_RU, prior)
    for _ in range(STEPS):
        # The truth of a pair as a number from -1 to 1: tanh of half its log odds.
        odds_RP = np.log(accuracy_RP) - np.log1p(-accuracy_RP)
        truth_RU = np.tanh(odds_RP @ said_UP.T / 2)
        better_RP = right_votes(said_UP, votes_RP, times_RU, truth_RU, prior)
        moved = np.abs(better_RP - accuracy_RP).max()
        accuracy_RP = better_RP
        if moved < until:
            break
    return accuracy_RP


def right_votes(
    said_UP: np.ndarray,
    votes_RP: np.ndarray,
    times_RU: np.ndarray,
    truth_RU: np.ndarray,
    prior: tuple[float, float],
) -> np.ndarray:
    """The share of each person's votes that the truth as it is believed calls right."""
    right, wrong = prior
    agreed_RP = (votes_RP + (times_RU * truth_RU) @ said_UP) / 2
    share_RP = (right + agreed_RP) / np.maximum(right + wrong + votes_RP, NEARLY)
    return np.asarray(np.clip(share_RP, 1e-6, 1 - 1e-6))


def resampled(said_UP: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Everybody's 95 % interval: percentiles over resampled pairs."""
    units = len(said_UP)
    chance = np.random.default_rng(seed)
    times_RU = chance.multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    accuracy_RP = fit(said_UP, times_RU.astype(np.float64), until=NEARLY_ENOUGH)
    tail = expanded_tail(0.025, max(2, units))
    low_P, high_P = np.quantile(accuracy_RP, [tail, 1 - tail], axis=0)
    return low_P, high_P


def weights(
    people: Mapping[str, Reliable], consistent: Mapping[str, float] | None = None
) -> dict[str, float]:
    """How much each person's votes should count, from LEAST_WEIGHT to 1.

    A weight is how far above chance a person is, relative to the middle person; only somebody whose
    whole interval is below the middle person's accuracy gets less than 1. `consistent` gives the
    accuracy that repeats prove for some people, and the better of both counts.
    """
    enough = {name: one for name, one in people.items() if one.shared >= FEWEST_SHARED}
    if len(enough) < FEWEST_PEOPLE:
        return {}
    middle = float(np.median([one.accuracy for one in enough.values()]))
    if middle <= 0.5:
        return {}
    given = {}
    for name, one in enough.items():
        proved = max(one.accuracy, (consistent or {}).get(name, 0.0))
        above = (2 * proved - 1) / (2 * middle - 1)
        lower = one.high < middle
        given[name] = round(min(1.0, max(LEAST_WEIGHT, above)), 2) if lower else 1.0
    return given
