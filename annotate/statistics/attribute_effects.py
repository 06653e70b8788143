"""What somebody likes: how the images they chose differ from those they did not, in numbers.

Both images of a pair show the same prompt, so every difference is one of looks. With many
attributes some differ by chance: those that are told hold 5 % false ones at most on average
(Benjamini and Hochberg 1995).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotate.statistics.side_bias import Share, share, two_sided

FALSE_SHARE = 0.05
FEWEST_VOTES = 20
EXAMPLES = 24


@dataclass(frozen=True, slots=True)
class Liked:
    """One attribute: how often the chosen image had more of it."""

    name: str
    more: Share
    """Of the pairs that differ in it."""
    effect: float
    """Mean difference by its standard deviation (Cohen's d of pairs)."""
    effect_low: float
    effect_high: float
    p: float
    tells: bool
    """Whether it stands out among all attributes."""
    examples: tuple[int, ...]
    """Places of votes that show it most, the clearest first."""
    against: int | None
    """The place of the vote that goes most against it."""


def liking(difference_NA: np.ndarray, names: Sequence[str]) -> list[Liked]:
    """Say what stands out, the strongest first.

    Args:
        difference_NA: for each vote and attribute, the chosen image's value less the other's.
        names: the attributes.
    """
    found = [one(difference_NA[:, a], name) for a, name in enumerate(names)]
    enough = len(difference_NA) >= FEWEST_VOTES
    told = standing_out([like.p for like in found]) if enough else [False] * len(found)
    marked = [replace(like, tells=tells) for like, tells in zip(found, told, strict=True)]
    return sorted(marked, key=lambda like: (not like.tells, like.p))


def one(difference_N: np.ndarray, name: str) -> Liked:
    """Measure one attribute; whether it stands out depends on the others."""
    differs_N = difference_N[difference_N != 0]
    more = int((differs_N > 0).sum())
    effect, low, high = paired_effect(difference_N)
    sign = 1 if 2 * more >= len(differs_N) else -1
    order = np.argsort(-sign * difference_N, kind="stable")
    examples = tuple(int(n) for n in order[:EXAMPLES] if sign * difference_N[n] > 0)
    against = int(order[-1]) if len(order) and sign * difference_N[order[-1]] < 0 else None
    p = two_sided(more, len(differs_N))
    return Liked(name, share(more, len(differs_N)), effect, low, high, p, False, examples, against)


def paired_effect(difference_N: np.ndarray) -> tuple[float, float, float]:
    """Cohen's d of pairs with its 95 % interval (large-sample variance 1/n + d²/2n)."""
    count = len(difference_N)
    spread = float(difference_N.std(ddof=1)) if count > 1 else 0.0
    if spread == 0:
        return 0.0, 0.0, 0.0
    effect = float(difference_N.mean()) / spread
    reach = 1.959964 * math.sqrt(1 / count + effect**2 / (2 * count))
    return effect, effect - reach, effect + reach


def standing_out(p_values: Sequence[float], false_share: float = FALSE_SHARE) -> list[bool]:
    """Which of many tests to believe, with at most this share of false ones on average."""
    order = sorted(range(len(p_values)), key=lambda a: p_values[a])
    last = 0
    for rank, a in enumerate(order, start=1):
        if p_values[a] <= false_share * rank / len(p_values):
            last = rank
    kept = set(order[:last])
    return [a in kept for a in range(len(p_values))]


def differing(mine: Share, theirs: Share) -> tuple[float, float, float]:
    """The difference of two shares with its 95 % interval (Newcombe 1998, method 10)."""
    a, b = mine.value or 0.0, theirs.value or 0.0
    low = math.hypot(a - mine.low, theirs.high - b)
    high = math.hypot(mine.high - a, b - theirs.low)
    return a - b, a - b - low, a - b + high
