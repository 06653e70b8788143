"""Votes of several people on the same two images, whatever pair and sides showed them."""

from dataclasses import dataclass

import numpy as np

from annotate.statistics.vote_columns import NONE, SKIP, Columns

OPINIONS = ("first", "second", "tie")
FIRST, SECOND, TIED = range(len(OPINIONS))


@dataclass(frozen=True)
class Choices:
    """Decisions on two images: the vote that stands for each, and whether its first one won."""

    columns: Columns
    row: np.ndarray
    first_won: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def where(self, chosen: np.ndarray) -> "Choices":
        """Return some of the choices."""
        return Choices(self.columns, self.row[chosen], self.first_won[chosen])

    @property
    def chosen(self) -> np.ndarray:
        """Where the numbers about the chosen images are kept."""
        first, other = self.columns.first[self.row], self.columns.other[self.row]
        return np.asarray(np.where(self.first_won, first, other))

    @property
    def rejected(self) -> np.ndarray:
        """Where the numbers about the others are kept."""
        first, other = self.columns.first[self.row], self.columns.other[self.row]
        return np.asarray(np.where(self.first_won, other, first))


@dataclass(frozen=True)
class Units:
    """Everybody's first vote on each two images, a skip being none; units are in order of age."""

    columns: Columns
    row: np.ndarray
    """Places of those votes, the oldest first."""
    unit: np.ndarray
    """The unit of each."""
    size: int

    @classmethod
    def of(cls, columns: Columns) -> "Units":
        """Sort votes by the two images that they are about."""
        told = np.flatnonzero(columns.said != SKIP)
        _, first, named = np.unique(columns.unit[told], return_index=True, return_inverse=True)
        age = np.empty(len(first), np.int64)
        age[np.argsort(first)] = np.arange(len(first))
        unit = age[named]
        once = unit * max(1, len(columns.people)) + columns.person[told]
        _, earliest = np.unique(once, return_index=True)
        earliest.sort()
        return cls(columns, told[earliest], unit[earliest], len(first))

    def with_person(self, person: int) -> "Units":
        """Return the units that a person has a vote in."""
        mine = np.zeros(self.size, np.bool_)
        mine[self.unit[self.columns.person[self.row] == person]] = True
        kept = mine[self.unit]
        return Units(self.columns, self.row[kept], self.unit[kept], self.size)

    def without_person(self, person: int) -> "Units":
        """Return everybody else's votes."""
        kept = self.columns.person[self.row] != person
        return Units(self.columns, self.row[kept], self.unit[kept], self.size)

    @property
    def won(self) -> np.ndarray:
        """What each vote says, as in the columns."""
        won: np.ndarray = self.columns.won[self.row]
        return won

    def counts(self) -> np.ndarray:
        """How many votes of each unit say each of OPINIONS."""
        opinion = np.choose(self.won + 1, [TIED, SECOND, FIRST])
        flat = np.bincount(self.unit * len(OPINIONS) + opinion, minlength=self.size * len(OPINIONS))
        return flat.reshape(self.size, len(OPINIONS))

    def people(self) -> int:
        """How many people have a vote in a unit of two people or more."""
        several = np.bincount(self.unit, minlength=self.size) >= 2
        return len(np.unique(self.columns.person[self.row[several[self.unit]]]))

    def majority(self) -> Choices:
        """What most people chose of each two images; an even split is none.

        So votes of several people on one pair, which go together, count once.
        """
        counts, earliest = self.counts(), np.full(self.size, NONE)
        earliest[self.unit[::-1]] = self.row[::-1]
        decided = np.flatnonzero(counts[:, FIRST] != counts[:, SECOND])
        first_won = counts[decided, FIRST] > counts[decided, SECOND]
        return Choices(self.columns, earliest[decided], first_won)

    def choices_of(self, person: int) -> Choices:
        """What one person chose of each two images, the first time."""
        mine = (self.columns.person[self.row] == person) & (self.won != NONE)
        order = np.argsort(self.unit[mine], kind="stable")
        rows = self.row[mine][order]
        return Choices(self.columns, rows, self.columns.won[rows] == 1)

    def decisions(self, newest: int) -> list[dict[str, int]]:
        """What everybody who decided says of the newest units: which image is better, 0 or 1."""
        present = np.unique(self.unit)[-newest:]
        places = {int(unit): place for place, unit in enumerate(present)}
        said: list[dict[str, int]] = [{} for _ in present]
        wanted = np.isin(self.unit, present) & (self.won != NONE)
        for unit, row in zip(self.unit[wanted], self.row[wanted], strict=True):
            name = self.columns.people[self.columns.person[row]]
            said[places[int(unit)]][name] = 1 - int(self.columns.won[row])
        return said
