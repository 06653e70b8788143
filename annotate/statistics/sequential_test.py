"""Anytime-valid sequential test of two versions, by an e-value that may be watched vote by vote.

A fixed-sample test that is looked at after every vote finds a winner between equals sooner or
later. An e-value does not: E is a nonnegative martingale under the null hypothesis (each version
wins with probability 1/2), so that by Ville's inequality it ever exceeds 1/alpha with probability
alpha at most, whenever somebody looks and for whatever reason they stop.

E here is Robbins' mixture over all win rates (Robbins 1970): the Bayes factor of a uniform prior
on the rate against 1/2. Ties are reported apart and do not enter.
"""

import math
from collections.abc import Sequence

import numpy as np

from align.intervals import Tally

E_VALUE_THRESHOLD = 20.0
"""Ends a test: at most 1 in 20 tests between equals ever reaches it (alpha = 0.05)."""
MAX_SIMULATED_VOTES = 1000
"""The longest continuation that is simulated; a forecast that ends here means "or more"."""
FORECAST_COVERAGE = 0.8
SIMULATIONS = 500


def log_e_value(wins: int, losses: int) -> float:
    """Return ln E against a win rate of one half: ln B(1+w, 1+l) + n ln 2."""
    n = wins + losses
    log_beta = math.lgamma(1 + wins) + math.lgamma(1 + losses) - math.lgamma(2 + n)
    return log_beta + n * math.log(2)


def outcome(tally: Tally) -> str | None:
    """Return "better" or "worse" once the test has ended, None before."""
    if log_e_value(tally.wins, tally.losses) < math.log(E_VALUE_THRESHOLD):
        return None
    return "better" if tally.wins > tally.losses else "worse"


def votes_needed(tally: Tally, seed: int = 0) -> tuple[int, int] | None:
    """Forecast how many more decisive votes end the test: an 80 % range; None once it has ended.

    Win rates come from the posterior after a uniform prior, and each continues the test to its
    end. Of all ranges that hold 80 % of these ends, the shortest is returned.
    """
    if outcome(tally):
        return None
    rng = np.random.default_rng(seed)
    rates = rng.beta(1 + tally.wins, 1 + tally.losses, size=SIMULATIONS)
    needed = stopping_times(rng, rates, tally)
    return shortest_range(np.sort(needed), FORECAST_COVERAGE)


def shortest_range(ordered: np.ndarray, coverage: float) -> tuple[int, int]:
    """Return the shortest range that holds this share of some ordered numbers."""
    held = math.ceil(coverage * len(ordered))
    widths = ordered[held - 1 :] - ordered[: len(ordered) - held + 1]
    first = int(widths.argmin())
    return int(ordered[first]), int(ordered[first + held - 1])


def stopping_times(rng: np.random.Generator, rates: np.ndarray, start: Tally) -> np.ndarray:
    """Simulate one test per true win rate and return its votes until the end.

    A test that has not ended after MAX_SIMULATED_VOTES returns that number.

    Args:
        rng: the source of the simulated votes.
        rates: true win rates.
        start: votes that were given before.
    """
    won = rng.random((len(rates), MAX_SIMULATED_VOTES)) < rates[:, None]
    wins = start.wins + np.cumsum(won, axis=1, dtype=np.int32)
    votes = start.decisive + np.arange(1, MAX_SIMULATED_VOTES + 1, dtype=np.int32)

    needed = critical_wins(int(votes[-1]))[votes]
    ended = (wins >= needed) | (votes - wins >= needed)
    return np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, MAX_SIMULATED_VOTES)


def critical_wins(most: int) -> np.ndarray:
    """Return, for every number of votes up to `most`, the wins that end the test.

    Where no number of wins does, it is one more than there are votes. One more vote never needs
    fewer wins, so that all numbers are found in one walk.
    """
    needed, wins = [], 0
    for votes in range(most + 1):
        wins = max(wins, (votes + 1) // 2)
        while wins <= votes and log_e_value(wins, votes - wins) < math.log(E_VALUE_THRESHOLD):
            wins += 1
        needed.append(wins)
    return np.array(needed, dtype=np.int32)


def sample_sizes(rates: Sequence[float] = (0.55, 0.6, 0.65, 0.7, 0.8)) -> dict[float, int]:
    """Return the median number of decisive votes that ends a test, by true win rate."""
    rng = np.random.default_rng(0)
    nothing = Tally(0, 0)
    return {
        rate: int(np.median(stopping_times(rng, np.full(SIMULATIONS, rate), nothing)))
        for rate in rates
    }
