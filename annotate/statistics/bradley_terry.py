"""A board of versions from votes between them: Bradley-Terry with a Gaussian prior.

Ties are half a win for both. Only versions that votes connect are on one board.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotate.statistics.sequential_test import expanded_tail

SPREAD = 1.0
"""Standard deviation of strengths that the prior expects, in natural log odds."""
RESAMPLES = 400
FEWEST_PROMPTS = 5
STEPS = 50
NEARLY = 1e-10


@dataclass(frozen=True, slots=True)
class Bout:
    """One vote between two versions; `score` is 1 where the first won, 0 or 0.5 for a tie."""

    first: str
    second: str
    score: float
    prompt: str


@dataclass(frozen=True, slots=True)
class Place:
    """A version on the board: its chance against the mean of the board, with a 95 % interval."""

    version: str
    votes: int
    strength: float
    rate: float
    low: float | None
    high: float | None
    group: int
    """Versions of one group cannot be told apart yet; 1 is the best."""


@dataclass(frozen=True, slots=True)
class Board:
    """Versions that votes connect, best first; `beats[a, b]` is the chance that a is better."""

    places: tuple[Place, ...]
    beats: dict[tuple[str, str], float]
    prompts: int
    why: str = ""
    """Why there are no intervals."""


def boards(bouts: Sequence[Bout], seed: int = 0) -> list[Board]:
    """Rank all versions, those together that votes connect; the largest board first."""
    found = [board([bout for bout in bouts if bout.first in some], seed) for some in linked(bouts)]
    return sorted(found, key=lambda one: -len(one.places))


def linked(bouts: Sequence[Bout]) -> list[set[str]]:
    """Sort versions into sets that votes connect."""
    sets: list[set[str]] = []
    for bout in bouts:
        joined = {bout.first, bout.second}
        apart = []
        for some in sets:
            if some & joined:
                joined |= some
            else:
                apart.append(some)
        sets = [*apart, joined]
    return sets


def board(bouts: Sequence[Bout], seed: int = 0) -> Board:
    """Rank versions that votes connect, resampling whole prompts for intervals."""
    names = sorted({name for bout in bouts for name in (bout.first, bout.second)})
    wins_QVV = wins_by_prompt(bouts, names)
    theta_V = strengths(wins_QVV.sum(axis=0)[None])[0]
    prompts = len(wins_QVV)
    if prompts < FEWEST_PROMPTS:
        why = f"Intervals need votes on {FEWEST_PROMPTS} prompts; there are {prompts}."
        apart_VV, draws_RV = np.zeros((len(names), len(names)), dtype=bool), None
    else:
        why, draws_RV = "", resampled(wins_QVV, seed)
        apart_VV = separable(draws_RV, prompts)
    order = list(np.argsort(-theta_V, kind="stable"))
    group_V = groups(order, apart_VV)
    votes = [sum(name in (bout.first, bout.second) for bout in bouts) for name in names]
    low_V, high_V = bounds(draws_RV, prompts)
    places = tuple(
        Place(
            names[v], votes[v], float(theta_V[v]), rate(theta_V[v]),
            None if low_V is None else rate(low_V[v]),
            None if high_V is None else rate(high_V[v]),
            group_V[v],
        )
        for v in order
    )  # fmt: skip
    return Board(places, chances(names, draws_RV), prompts, why)


def rate(strength: float) -> float:
    """The chance to beat the mean of the board."""
    return float(1 / (1 + np.exp(-strength)))


def wins_by_prompt(bouts: Sequence[Bout], names: Sequence[str]) -> np.ndarray:
    """For each prompt, how often each version (row) won over each other one (column)."""
    place = {name: v for v, name in enumerate(names)}
    tables: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros((len(names),) * 2))
    for bout in bouts:
        first, second = place[bout.first], place[bout.second]
        tables[bout.prompt][first, second] += bout.score
        tables[bout.prompt][second, first] += 1 - bout.score
    return np.stack(list(tables.values()))


def strengths(wins_RVV: np.ndarray, spread: float = SPREAD) -> np.ndarray:
    """The likeliest strengths after the prior, for each table of wins, by Newton's method.

    Bradley and Terry 1952: version i beats j with chance σ(θi - θj).
    """
    tables, size = wins_RVV.shape[:2]
    both_RVV = wins_RVV + wins_RVV.transpose(0, 2, 1)
    theta_RV = np.zeros((tables, size))
    eye = np.eye(size)
    for _ in range(STEPS):
        chance_RVV = 1 / (1 + np.exp(theta_RV[:, None, :] - theta_RV[:, :, None]))
        slope_RV = (wins_RVV - both_RVV * chance_RVV).sum(axis=2) - theta_RV / spread**2
        curve_RVV = both_RVV * chance_RVV * (1 - chance_RVV)
        hessian_RVV = eye * (curve_RVV.sum(axis=2)[:, :, None] + 1 / spread**2) - curve_RVV
        step_RV = np.linalg.solve(hessian_RVV, slope_RV[..., None])[..., 0]
        theta_RV = theta_RV + step_RV
        if np.abs(step_RV).max() < NEARLY:
            break
    return np.asarray(theta_RV)


def resampled(wins_QVV: np.ndarray, seed: int) -> np.ndarray:
    """Strengths over resampled prompts."""
    prompts = len(wins_QVV)
    chance = np.random.default_rng(seed)
    times_RQ = chance.multinomial(prompts, np.full(prompts, 1 / prompts), size=RESAMPLES)
    return strengths(np.tensordot(times_RQ.astype(np.float64), wins_QVV, axes=1))


def bounds(
    draws_RV: np.ndarray | None, prompts: int
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """95 % intervals of strengths."""
    if draws_RV is None:
        return None, None
    tail = expanded_tail(0.025, prompts)
    low_V, high_V = np.quantile(draws_RV, [tail, 1 - tail], axis=0)
    return low_V, high_V


def separable(draws_RV: np.ndarray, prompts: int) -> np.ndarray:
    """Whether the 95 % interval of the difference of each two versions leaves out zero."""
    apart_RVV = draws_RV[:, :, None] - draws_RV[:, None, :]
    tail = expanded_tail(0.025, prompts)
    low_VV, high_VV = np.quantile(apart_RVV, [tail, 1 - tail], axis=0)
    return np.asarray((low_VV > 0) | (high_VV < 0))


def groups(order: Sequence[int], apart_VV: np.ndarray) -> dict[int, int]:
    """Number the groups, best first: a new one begins where everybody before is told from everybody
    after.
    """
    group, found = 1, {}
    for at, version in enumerate(order):
        before, after = list(order[:at]), list(order[at:])
        if before and apart_VV[np.ix_(before, after)].all():
            group += 1
        found[int(version)] = group
    return found


def chances(names: Sequence[str], draws_RV: np.ndarray | None) -> dict[tuple[str, str], float]:
    """How often each version is better than each other one over the resampled prompts."""
    if draws_RV is None:
        return {}
    better_VV = (draws_RV[:, :, None] > draws_RV[:, None, :]).mean(axis=0)
    return {
        (first, second): float(better_VV[v, w])
        for v, first in enumerate(names)
        for w, second in enumerate(names)
        if v != w
    }
