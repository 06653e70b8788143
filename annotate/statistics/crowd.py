"""Where a person differs from the crowd: pair by pair, and in what they like."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc

import numpy as np

from annotate.statistics.attribute_effects import differing, standing_out
from annotate.statistics.image_pairs import FIRST, SECOND, Units
from annotate.statistics.side_bias import Share, share
from annotate.statistics.vote_columns import NONE

FEWEST_VOTES = 20


@dataclass(frozen=True, slots=True)
class Dissent:
    """A pair on which a person chose the image that most others did not."""

    row: int
    """The place of the person's vote."""
    first_won: bool
    others: int
    """Others who decided."""
    against: int
    """Of these, those who chose the other image."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """An attribute that a person chooses more or less often than the others."""

    name: str
    mine: Share
    theirs: Share
    difference: float
    low: float
    high: float
    tells: bool


def dissents(units: Units, person: int) -> tuple[list[Dissent], int]:
    """Return where most others chose otherwise, the clearest first, and how many pairs are shared.

    A pair counts where the person and somebody else decided.
    """
    counts = units.counts()
    mine = (units.columns.person[units.row] == person) & (units.won != NONE)
    unit, row, won = units.unit[mine], units.row[mine], units.won[mine]
    others = counts[unit, FIRST] + counts[unit, SECOND] - 1
    against = counts[unit, np.where(won == 1, SECOND, FIRST)]
    found = np.flatnonzero(2 * against > others)
    order = found[np.lexsort((unit[found], -against[found] / others[found], -against[found]))]
    told = [Dissent(int(row[n]), bool(won[n]), int(others[n]), int(against[n])) for n in order]
    return told, int((others > 0).sum())


def contrasts(mine_NA: np.ndarray, theirs_NA: np.ndarray, names: Sequence[str]) -> list[Contrast]:
    """Compare how often a person and the others chose the image with more of each attribute.

    Each row is a vote: the chosen image's values less the other's. The clearest come first.
    """
    shares = [(more_of(mine_NA[:, a]), more_of(theirs_NA[:, a])) for a in range(len(names))]
    enough = min(len(mine_NA), len(theirs_NA)) >= FEWEST_VOTES
    p_values = [two_shares(mine, theirs) for mine, theirs in shares]
    tells = standing_out(p_values) if enough else [False] * len(names)
    found = [
        Contrast(name, mine, theirs, *differing(mine, theirs), told)
        for name, (mine, theirs), told in zip(names, shares, tells, strict=True)
    ]
    return sorted(found, key=lambda one: (not one.tells, -abs(one.difference)))


def more_of(difference_N: np.ndarray) -> Share:
    """How often the chosen image had more, where the two differ."""
    return share(int((difference_N > 0).sum()), int((difference_N != 0).sum()))


def two_shares(mine: Share, theirs: Share) -> float:
    """The chance of shares so different from one and the same habit (two-sided z test, pooled)."""
    if not mine.of or not theirs.of:
        return 1.0
    pooled = (mine.count + theirs.count) / (mine.of + theirs.of)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / mine.of + 1 / theirs.of))
    if spread == 0:
        return 1.0
    z = abs((mine.value or 0.0) - (theirs.value or 0.0)) / spread
    return float(erfc(z / np.sqrt(2)))
