"""One annotator against the others: pairs they decided otherwise, and attributes they favor."""

# Shape suffixes: N votes, A attributes.

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from align.intervals import Proportion, newcombe_interval, proportion
from annotate.statistics.image_pairs import FIRST, SECOND, ImagePairVotes
from annotate.statistics.significance import benjamini_hochberg, two_proportion_z_test
from annotate.statistics.vote_columns import NONE

MIN_VOTES = 20


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A pair on which an annotator chose the image that most others did not."""

    row: int
    """The row of the annotator's vote."""
    first_won: bool
    others: int
    """Others who decided."""
    against: int
    """Of these, those who chose the other image."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """An attribute that an annotator chooses more or less often than the others."""

    name: str
    mine: Proportion
    theirs: Proportion
    difference: float
    low: float
    high: float
    significant: bool


def disagreements(units: ImagePairVotes, person: int) -> tuple[list[Disagreement], int]:
    """Return the pairs that most others decided otherwise, and the number of shared pairs.

    A pair is shared where the person and somebody else decided. The clearest disagreement, by the
    number and then the share of others against, comes first.
    """
    counts = units.counts()
    mine = (units.columns.person[units.row] == person) & (units.won != NONE)
    unit, row, won = units.unit[mine], units.row[mine], units.won[mine]

    # The counts hold the person's own vote.
    others = counts[unit, FIRST] + counts[unit, SECOND] - 1
    against = counts[unit, np.where(won == 1, SECOND, FIRST)]
    outvoted = np.flatnonzero(2 * against > others)
    share_against = against[outvoted] / others[outvoted]
    order = outvoted[np.lexsort((unit[outvoted], -share_against, -against[outvoted]))]
    found = [
        Disagreement(int(row[n]), bool(won[n]), int(others[n]), int(against[n])) for n in order
    ]
    return found, int((others > 0).sum())


def contrasts(mine_NA: np.ndarray, theirs_NA: np.ndarray, names: Sequence[str]) -> list[Contrast]:
    """Compare how often an annotator and the others chose the image with more of each attribute.

    The significant ones come first, then by the size of the difference.

    Args:
        mine_NA: for each vote of the annotator, the chosen image's values less the other's.
        theirs_NA: the same for the others.
        names: the attributes.
    """
    shares = [
        (share_with_more(mine_NA[:, a]), share_with_more(theirs_NA[:, a]))
        for a in range(len(names))
    ]
    enough = min(len(mine_NA), len(theirs_NA)) >= MIN_VOTES
    p_values = [two_proportion_z_test(mine, theirs) for mine, theirs in shares]
    rejected = benjamini_hochberg(p_values) if enough else [False] * len(names)

    found = [
        Contrast(name, mine, theirs, *newcombe_interval(mine, theirs), significant)
        for name, (mine, theirs), significant in zip(names, shares, rejected, strict=True)
    ]
    return sorted(found, key=lambda contrast: (not contrast.significant, -abs(contrast.difference)))


def share_with_more(difference_N: np.ndarray) -> Proportion:
    """Return how often the chosen image had more of an attribute, where the two differ."""
    return proportion(int((difference_N > 0).sum()), int((difference_N != 0).sum()))
