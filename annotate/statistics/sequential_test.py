"""What blind votes on two versions say, in numbers that stay honest while somebody watches them.

A vote is a win of the new version, a loss, or a tie; ties are reported apart and decide nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CALLED = 20.0
"""The e-value that settles a verdict: at most 1 in 20 verdicts between equals is ever called."""
MOST_VOTES = 1000
"""No range of votes still needed goes beyond this."""
RANGE = 0.8
SIMULATIONS = 500
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes of one verdict."""

    wins: int
    losses: int
    ties: int = 0

    @property
    def decisive(self) -> int:
        """Votes that were no ties."""
        return self.wins + self.losses

    @property
    def rate(self) -> float | None:
        """Share of the decisive votes that the new version won."""
        return self.wins / self.decisive if self.decisive else None


def wilson(tally: Tally, level: float = 0.95) -> tuple[float, float]:
    """Interval for the win rate over decisive votes; (0, 1) without any.

    Wilson 1927, without continuity correction.
    """
    n = tally.decisive
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = tally.wins / n
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def log_e_value(wins: int, losses: int) -> float:
    """ln E against a win rate of one half: ln B(1+w, 1+l) + n ln 2.

    A mixture over all rates (Robbins 1970), a martingale under the null, so that it exceeds 20 at
    any time of a sequence with probability 1/20 at most (Ville's inequality).
    """
    n = wins + losses
    log_beta = math.lgamma(1 + wins) + math.lgamma(1 + losses) - math.lgamma(2 + n)
    return log_beta + n * math.log(2)


def outcome(tally: Tally) -> str | None:
    """ "better" or "worse" once it can be called, None before."""
    if log_e_value(tally.wins, tally.losses) < math.log(CALLED):
        return None
    return "better" if tally.wins > tally.losses else "worse"


def votes_needed(tally: Tally, seed: int = 0) -> tuple[int, int] | None:
    """How many more decisive votes until this can be called: an 80 % range; None once it is.

    Sequences are continued by rates from the posterior after a uniform prior; of all ranges that
    hold 80 % of their ends, this is the shortest. An end at MOST_VOTES means "or more".
    """
    if outcome(tally):
        return None
    chance = np.random.default_rng(seed)
    rates = chance.beta(1 + tally.wins, 1 + tally.losses, size=SIMULATIONS)
    needed = first_calls(chance, rates, tally)
    return shortest(np.sort(needed), RANGE)


def shortest(ordered: np.ndarray, share: float) -> tuple[int, int]:
    """The shortest range that holds a share of some ordered numbers."""
    held = math.ceil(share * len(ordered))
    widths = ordered[held - 1 :] - ordered[: len(ordered) - held + 1]
    first = int(widths.argmin())
    return int(ordered[first]), int(ordered[first + held - 1])


def first_calls(chance: np.random.Generator, rates: np.ndarray, start: Tally) -> np.ndarray:
    """For each true rate, after how many more votes a sequence is called, at most MOST_VOTES."""
    won = chance.random((len(rates), MOST_VOTES)) < rates[:, None]
    wins = start.wins + np.cumsum(won, axis=1, dtype=np.int32)
    votes = start.decisive + np.arange(1, MOST_VOTES + 1, dtype=np.int32)
    needed = wins_needed(int(votes[-1]))[votes]
    called = (wins >= needed) | (votes - wins >= needed)
    return np.where(called.any(axis=1), called.argmax(axis=1) + 1, MOST_VOTES)


def wins_needed(most: int) -> np.ndarray:
    """For every number of votes up to `most`, the wins that call it; one more than votes if none.

    One more vote never needs fewer, so the numbers are found in one walk.
    """
    needed, wins = [], 0
    for votes in range(most + 1):
        wins = max(wins, (votes + 1) // 2)
        while wins <= votes and log_e_value(wins, votes - wins) < math.log(CALLED):
            wins += 1
        needed.append(wins)
    return np.array(needed, dtype=np.int32)


def sample_sizes(rates: Sequence[float] = (0.55, 0.6, 0.65, 0.7, 0.8)) -> dict[float, int]:
    """Decisive votes after which a version of each true win rate is called, at the median."""
    chance = np.random.default_rng(0)
    nothing = Tally(0, 0)
    return {
        rate: int(np.median(first_calls(chance, np.full(SIMULATIONS, rate), nothing)))
        for rate in rates
    }


def over_prompts(
    votes: Mapping[str, Tally], level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Interval for the win rate by resampling whole prompts: votes on one prompt go together.

    None with fewer than two prompts that have a decisive vote. Percentile bootstrap, with
    percentiles moved outwards for small numbers of prompts as in Hesterberg 2015 (arXiv 1411.5279).
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


def expanded_tail(tail: float, prompts: int) -> float:
    """The percentile at which an interval is as wide as Student's t makes it for a mean."""
    z = -NormalDist().inv_cdf(tail)
    t = z + (z**3 + z) / (4 * (prompts - 1))
    return NormalDist().cdf(-math.sqrt(prompts / (prompts - 1)) * t)
