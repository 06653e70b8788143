"""The example pairs of a report: the addresses of their images are looked up all at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from annotate.statistics.vote_columns import VoteColumns
from annotate.urls import image_url

MOST_EXAMPLES = 3
Shown = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]
"""Gives the two images of votes by their ids, in their fixed order."""


class ExamplePairs:
    """Hands out examples at once, and fills in the addresses at the end."""

    def __init__(self, columns: VoteColumns) -> None:
        self._columns = columns
        self._open: list[tuple[dict[str, Any], int, bool]] = []

    def example(self, row: int, first_won: bool) -> dict[str, Any]:
        """A pair by its vote's place, the chosen image first."""
        prompt = self._columns.prompts[self._columns.prompt[row]]
        told = {"prompt": prompt, "chosen_url": "", "other_url": ""}
        self._open.append((told, int(self._columns.vote[row]), first_won))
        return told

    def examples(self, rows: Iterable[tuple[int, bool]]) -> list[dict[str, Any]]:
        """The first few of these, each of another prompt."""
        first: dict[int, tuple[int, bool]] = {}
        for row, first_won in rows:
            first.setdefault(int(self._columns.prompt[row]), (int(row), bool(first_won)))
            if len(first) == MOST_EXAMPLES:
                break
        return [self.example(*one) for one in first.values()]

    def fill(self, shown: Shown) -> None:
        """Look up the addresses of everything handed out."""
        if not self._open:
            return
        images = shown([vote for _, vote, _ in self._open])
        for told, vote, first_won in self._open:
            chosen, other = images[vote] if first_won else images[vote][::-1]
            told["chosen_url"], told["other_url"] = image_url(chosen), image_url(other)


def newest(rows: np.ndarray, columns: VoteColumns) -> Iterable[tuple[int, bool]]:
    """The decisive ones of some votes, the newest first."""
    return ((int(row), columns.won[row] == 1) for row in rows[::-1] if columns.decisive[row])
