"""Bradley-Terry: rank versions by votes between them, with intervals.

Version i beats version j with probability σ(θi - θj) (Bradley and Terry 1952). A Gaussian prior on
the strengths θ keeps them finite where one version won every vote. A tie is half a win for both.
Only versions that votes connect, directly or through others, stand on one leaderboard.
"""

# Shape suffixes: V versions, Q prompts, R resamples.

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from align.intervals import percentile_interval, resampled_counts

PRIOR_STD = 1.0
"""Standard deviation of strengths under the prior, in natural log odds."""
RESAMPLES = 400
MIN_PROMPTS = 5
"""Prompts below which there are no intervals: too few clusters to resample."""
MAX_STEPS = 50
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Match:
    """One vote between two versions; `score` is 1 where the first won, 0 or 0.5 for a tie."""

    first: str
    second: str
    score: float
    prompt: str


@dataclass(frozen=True, slots=True)
class RankedVersion:
    """A version with its chance to beat the mean of the leaderboard, and a 95 % interval."""

    version: str
    votes: int
    strength: float
    rate: float
    low: float | None
    high: float | None
    group: int
    """Versions of one group cannot be told apart yet; 1 is the best."""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Versions that votes connect, best first; `beats[a, b]` is the chance that a is better."""

    versions: tuple[RankedVersion, ...]
    beats: dict[tuple[str, str], float]
    prompts: int
    why: str = ""
    """Why there are no intervals."""


def leaderboards(matches: Sequence[Match], seed: int = 0) -> list[Leaderboard]:
    """Rank all versions, those together that votes connect; the largest leaderboard first."""
    found = [
        leaderboard([match for match in matches if match.first in versions], seed)
        for versions in connected_versions(matches)
    ]
    return sorted(found, key=lambda board: -len(board.versions))


def connected_versions(matches: Sequence[Match]) -> list[set[str]]:
    """Return the connected components of the graph whose edges are matches."""
    components: list[set[str]] = []
    for match in matches:
        joined = {match.first, match.second}
        apart = []
        for component in components:
            if component & joined:
                joined |= component
            else:
                apart.append(component)
        components = [*apart, joined]
    return components


def leaderboard(matches: Sequence[Match], seed: int = 0) -> Leaderboard:
    """Rank versions that votes connect, with intervals that resample whole prompts."""
    names = sorted({name for match in matches for name in (match.first, match.second)})
    wins_QVV = wins_by_prompt(matches, names)
    theta_V = fit_strengths(wins_QVV.sum(axis=0)[None])[0]

    prompts = len(wins_QVV)
    if prompts < MIN_PROMPTS:
        why = f"Intervals need votes on {MIN_PROMPTS} prompts; there are {prompts}."
        apart_VV, samples_RV = np.zeros((len(names), len(names)), dtype=bool), None
    else:
        why, samples_RV = "", bootstrap_strengths(wins_QVV, seed)
        apart_VV = distinguishable(samples_RV, prompts)

    order = list(np.argsort(-theta_V, kind="stable"))
    group_V = rank_groups(order, apart_VV)
    votes = [sum(name in (match.first, match.second) for match in matches) for name in names]
    low_V, high_V = strength_intervals(samples_RV, prompts)
    versions = tuple(
        RankedVersion(
            names[v], votes[v], float(theta_V[v]), rate_against_mean(theta_V[v]),
            None if low_V is None else rate_against_mean(low_V[v]),
            None if high_V is None else rate_against_mean(high_V[v]),
            group_V[v],
        )
        for v in order
    )  # fmt: skip
    return Leaderboard(versions, pairwise_probabilities(names, samples_RV), prompts, why)


def rate_against_mean(strength: float) -> float:
    """Return the probability to beat a version of mean strength, which the prior puts at 0."""
    return float(1 / (1 + np.exp(-strength)))


def wins_by_prompt(matches: Sequence[Match], names: Sequence[str]) -> np.ndarray:
    """Return, for each prompt, how often each version (row) won over each other one (column)."""
    index = {name: v for v, name in enumerate(names)}
    tables: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros((len(names),) * 2))
    for match in matches:
        first, second = index[match.first], index[match.second]
        tables[match.prompt][first, second] += match.score
        tables[match.prompt][second, first] += 1 - match.score
    return np.stack(list(tables.values()))


def fit_strengths(wins_RVV: np.ndarray, prior_std: float = PRIOR_STD) -> np.ndarray:
    """Return the posterior mode of the strengths for each table of wins, by Newton's method.

    The log posterior is strictly concave thanks to the prior, so that the mode is the only one.
    """
    tables, size = wins_RVV.shape[:2]
    both_RVV = wins_RVV + wins_RVV.transpose(0, 2, 1)
    theta_RV = np.zeros((tables, size))
    eye = np.eye(size)

    for _ in range(MAX_STEPS):
        chance_RVV = 1 / (1 + np.exp(theta_RV[:, None, :] - theta_RV[:, :, None]))
        gradient_RV = (wins_RVV - both_RVV * chance_RVV).sum(axis=2) - theta_RV / prior_std**2
        curvature_RVV = both_RVV * chance_RVV * (1 - chance_RVV)
        hessian_RVV = (
            eye * (curvature_RVV.sum(axis=2)[:, :, None] + 1 / prior_std**2) - curvature_RVV
        )
        step_RV = np.linalg.solve(hessian_RVV, gradient_RV[..., None])[..., 0]
        theta_RV = theta_RV + step_RV
        if np.abs(step_RV).max() < TOLERANCE:
            break
    return np.asarray(theta_RV)


def bootstrap_strengths(wins_QVV: np.ndarray, seed: int) -> np.ndarray:
    """Return strengths over resampled prompts: votes on one prompt go together."""
    times_RQ = resampled_counts(np.ones(len(wins_QVV)), RESAMPLES, seed)
    return fit_strengths(np.tensordot(times_RQ, wins_QVV, axes=1))


def strength_intervals(
    samples_RV: np.ndarray | None, prompts: int
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Return the 95 % interval of each strength; None without resamples."""
    if samples_RV is None:
        return None, None
    low_V, high_V = percentile_interval(samples_RV, prompts)
    return low_V, high_V


def distinguishable(samples_RV: np.ndarray, prompts: int) -> np.ndarray:
    """Mark the pairs of versions whose difference has a 95 % interval that excludes zero."""
    difference_RVV = samples_RV[:, :, None] - samples_RV[:, None, :]
    low_VV, high_VV = percentile_interval(difference_RVV, prompts)
    return np.asarray((low_VV > 0) | (high_VV < 0))


def rank_groups(order: Sequence[int], apart_VV: np.ndarray) -> dict[int, int]:
    """Number groups of versions that cannot be told apart, the best group first.

    A new group begins where every version before is distinguishable from every version after.
    """
    group, found = 1, {}
    for at, version in enumerate(order):
        before, after = list(order[:at]), list(order[at:])
        if before and apart_VV[np.ix_(before, after)].all():
            group += 1
        found[int(version)] = group
    return found


def pairwise_probabilities(
    names: Sequence[str], samples_RV: np.ndarray | None
) -> dict[tuple[str, str], float]:
    """Return the share of resamples in which each version is better than each other one."""
    if samples_RV is None:
        return {}
    better_VV = (samples_RV[:, :, None] > samples_RV[:, None, :]).mean(axis=0)
    return {
        (first, second): float(better_VV[v, w])
        for v, first in enumerate(names)
        for w, second in enumerate(names)
        if v != w
    }
