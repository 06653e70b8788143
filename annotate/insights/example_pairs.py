"""Example pairs of a report: the addresses of their images are looked up all at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from annotate.statistics.vote_columns import VoteColumns
from annotate.urls import image_url
from annotate.views.vote_insights import ExamplePairView

MAX_EXAMPLES = 3
FindImages = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]
"""Returns the two images of votes by their ids, in their fixed order."""


class ExamplePairs:
    """Examples that are handed out at once and filled in with addresses at the end.

    One query for all of them is far cheaper than one for each.
    """

    def __init__(self, columns: VoteColumns) -> None:
        self._columns = columns
        self._open: list[tuple[ExamplePairView, int, bool]] = []

    def example(self, row: int, first_won: bool) -> ExamplePairView:
        """Return a pair by its vote's row, chosen image first; it lacks addresses until `fill`."""
        pair = self.without_images(row)
        self.fill_later(pair, row, first_won)
        return pair

    def without_images(self, row: int) -> ExamplePairView:
        """Return a pair by its vote's row, whose addresses nobody fills in."""
        prompt = self._columns.prompts[self._columns.prompt[row]]
        return {"prompt": prompt, "chosen_url": "", "other_url": ""}

    def fill_later(self, pair: ExamplePairView, row: int, first_won: bool) -> None:
        """Let `fill` put the addresses of a vote's images into a pair."""
        self._open.append((pair, int(self._columns.vote[row]), first_won))

    def examples(self, rows: Iterable[tuple[int, bool]]) -> list[ExamplePairView]:
        """Return the first few of these, each of another prompt."""
        first: dict[int, tuple[int, bool]] = {}
        for row, first_won in rows:
            first.setdefault(int(self._columns.prompt[row]), (int(row), bool(first_won)))
            if len(first) == MAX_EXAMPLES:
                break
        return [self.example(row, first_won) for row, first_won in first.values()]

    def fill(self, find_images: FindImages) -> None:
        """Fill in the addresses of everything handed out."""
        if not self._open:
            return
        images = find_images([vote for _, vote, _ in self._open])
        for pair, vote, first_won in self._open:
            chosen, other = images[vote] if first_won else images[vote][::-1]
            pair["chosen_url"], pair["other_url"] = image_url(chosen), image_url(other)


def newest(rows: np.ndarray, columns: VoteColumns) -> Iterable[tuple[int, bool]]:
    """Return the decisive ones of some votes with their winner, the newest first."""
    return ((int(row), columns.won[row] == 1) for row in rows[::-1] if columns.decisive[row])
