"""Votes of several people on the same two images, whatever pair and sides showed them.

In Krippendorff's words two images are a unit, and every annotator rates it once.
"""

from dataclasses import dataclass

import numpy as np

from annotate.statistics.vote_columns import NONE, SKIP, VoteColumns

OPINIONS = ("first", "second", "tie")
FIRST, SECOND, TIED = range(len(OPINIONS))


@dataclass(frozen=True)
class Preferences:
    """Decisions on two images: the vote that stands for each, and whether its first image won."""

    columns: VoteColumns
    row: np.ndarray
    first_won: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def where(self, mask: np.ndarray) -> "Preferences":
        """Return some of the preferences, by a mask or by their indices."""
        return Preferences(self.columns, self.row[mask], self.first_won[mask])

    @property
    def chosen(self) -> np.ndarray:
        """Return the feature rows of the chosen images."""
        first, second = self.columns.first_image[self.row], self.columns.second_image[self.row]
        return np.asarray(np.where(self.first_won, first, second))

    @property
    def rejected(self) -> np.ndarray:
        """Return the feature rows of the rejected images."""
        first, second = self.columns.first_image[self.row], self.columns.second_image[self.row]
        return np.asarray(np.where(self.first_won, second, first))


@dataclass(frozen=True)
class ImagePairVotes:
    """Everybody's first vote on each two images, without skips; units are in order of age."""

    columns: VoteColumns
    row: np.ndarray
    """Rows of those votes in the columns, the oldest first."""
    unit: np.ndarray
    """The unit of each."""
    size: int
    """The number of units."""

    @classmethod
    def of(cls, columns: VoteColumns) -> "ImagePairVotes":
        """Group votes by the two images that they are about."""
        rated = np.flatnonzero(columns.verdict != SKIP)

        # Number the units by age: np.unique numbers them by value.
        _, first, named = np.unique(columns.unit[rated], return_index=True, return_inverse=True)
        age = np.empty(len(first), np.int64)
        age[np.argsort(first)] = np.arange(len(first))
        unit = age[named]

        # Keep the first vote of each person on each unit.
        person_on_unit = unit * max(1, len(columns.people)) + columns.person[rated]
        _, earliest = np.unique(person_on_unit, return_index=True)
        earliest.sort()
        return cls(columns, rated[earliest], unit[earliest], len(first))

    def with_person(self, person: int) -> "ImagePairVotes":
        """Return all votes on the units that a person has a vote in."""
        mine = np.zeros(self.size, np.bool_)
        mine[self.unit[self.columns.person[self.row] == person]] = True
        kept = mine[self.unit]
        return ImagePairVotes(self.columns, self.row[kept], self.unit[kept], self.size)

    def without_person(self, person: int) -> "ImagePairVotes":
        """Return everybody else's votes."""
        kept = self.columns.person[self.row] != person
        return ImagePairVotes(self.columns, self.row[kept], self.unit[kept], self.size)

    @property
    def won(self) -> np.ndarray:
        """Return the winner of each vote, as in `VoteColumns.won`."""
        won: np.ndarray = self.columns.won[self.row]
        return won

    def counts(self) -> np.ndarray:
        """Count the votes of each unit (row) for each of OPINIONS (column)."""
        opinion = np.choose(self.won + 1, [TIED, SECOND, FIRST])
        flat = np.bincount(self.unit * len(OPINIONS) + opinion, minlength=self.size * len(OPINIONS))
        return flat.reshape(self.size, len(OPINIONS))

    def people(self) -> int:
        """Count the people who have a vote in a unit of two people or more."""
        several = np.bincount(self.unit, minlength=self.size) >= 2
        return len(np.unique(self.columns.person[self.row[several[self.unit]]]))

    def majority(self) -> Preferences:
        """Return the majority's preference of each unit; an even split gives none.

        So votes of several people on one pair, which go together, count once.
        """
        counts, earliest = self.counts(), np.full(self.size, NONE)
        # Assigned backwards, so that the oldest vote of each unit is written last and stays.
        earliest[self.unit[::-1]] = self.row[::-1]
        decided = np.flatnonzero(counts[:, FIRST] != counts[:, SECOND])
        first_won = counts[decided, FIRST] > counts[decided, SECOND]
        return Preferences(self.columns, earliest[decided], first_won)

    def preferences_of(self, person: int) -> Preferences:
        """Return one person's preference of each unit, as given the first time."""
        mine = (self.columns.person[self.row] == person) & (self.won != NONE)
        order = np.argsort(self.unit[mine], kind="stable")
        rows = self.row[mine][order]
        return Preferences(self.columns, rows, self.columns.won[rows] == 1)

    def decisions(self, newest: int) -> list[dict[str, int]]:
        """Return, for the newest units, which image everybody who decided prefers: 0 or 1."""
        present = np.unique(self.unit)[-newest:]
        index = {int(unit): n for n, unit in enumerate(present)}
        decided: list[dict[str, int]] = [{} for _ in present]
        wanted = np.isin(self.unit, present) & (self.won != NONE)
        for unit, row in zip(self.unit[wanted], self.row[wanted], strict=True):
            name = self.columns.people[self.columns.person[row]]
            decided[index[int(unit)]][name] = 1 - int(self.columns.won[row])
        return decided
