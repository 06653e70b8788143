"""Attribute effects: how the chosen images differ from the rejected ones, attribute by attribute.

Both images of a pair show the same prompt, so every difference is one of looks. Of many attributes
some differ by chance: the significant ones hold at most 5 % false ones on average (see
`significance.benjamini_hochberg`).
"""

# Shape suffixes: N votes, A attributes.

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from align.intervals import Proportion, proportion
from annotate.statistics.significance import benjamini_hochberg, binomial_test

MIN_VOTES = 20
MAX_EXAMPLES = 24
Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class AttributeEffect:
    """One attribute: how often, and by how much, the chosen image had more of it."""

    name: str
    more: Proportion
    """Of the pairs that differ in it."""
    effect: float
    """Mean difference by its standard deviation (Cohen's d of pairs)."""
    effect_low: float
    effect_high: float
    p: float
    significant: bool
    """Whether it stands out among all attributes."""
    examples: tuple[int, ...]
    """Indices of the votes that show it most, the clearest first."""
    counterexample: int | None
    """The index of the vote that goes most against it."""


def attribute_effects(difference_NA: np.ndarray, names: Sequence[str]) -> list[AttributeEffect]:
    """Return the effect of every attribute, the significant ones first.

    Args:
        difference_NA: for each vote and attribute, the chosen image's value less the other's.
        names: the attributes.
    """
    effects = [attribute_effect(difference_NA[:, a], name) for a, name in enumerate(names)]
    if len(difference_NA) >= MIN_VOTES:
        rejected = benjamini_hochberg([effect.p for effect in effects])
        effects = [
            replace(effect, significant=significant)
            for effect, significant in zip(effects, rejected, strict=True)
        ]
    return sorted(effects, key=lambda effect: (not effect.significant, effect.p))


def attribute_effect(difference_N: np.ndarray, name: str) -> AttributeEffect:
    """Measure one attribute; whether it is significant depends on the others."""
    differs_N = difference_N[difference_N != 0]
    more = int((differs_N > 0).sum())
    effect, low, high = paired_effect(difference_N)
    p = binomial_test(more, len(differs_N))

    # Examples show the direction that is chosen more often.
    sign = 1 if 2 * more >= len(differs_N) else -1
    order = np.argsort(-sign * difference_N, kind="stable")
    examples = tuple(int(n) for n in order[:MAX_EXAMPLES] if sign * difference_N[n] > 0)
    against = int(order[-1]) if len(order) and sign * difference_N[order[-1]] < 0 else None
    return AttributeEffect(
        name, proportion(more, len(differs_N)), effect, low, high, p, False, examples, against
    )


def paired_effect(difference_N: np.ndarray) -> tuple[float, float, float]:
    """Return Cohen's d of pairs with its 95 % interval (large-sample variance 1/n + d²/2n)."""
    count = len(difference_N)
    spread = float(difference_N.std(ddof=1)) if count > 1 else 0.0
    if spread == 0:
        return 0.0, 0.0, 0.0
    effect = float(difference_N.mean()) / spread
    reach = Z_95 * math.sqrt(1 / count + effect**2 / (2 * count))
    return effect, effect - reach, effect + reach
