"""Rendering progress of a blind test: which prompt and seed come next, and in what groups."""

import random
from collections.abc import Sequence

from align.contracts.rendering import RenderItem

MAX_GROUP_SIZE = 8
"""Pairs that are rendered in one go; the first groups are smaller, so that they come sooner."""
MAX_IDENTICAL = 24
"""A test ends when so many pairs in a row hold the same image twice: the versions do not differ."""


class RenderProgress:
    """Rendering progress of one blind test.

    Pairs are numbered from 0. A pair's prompt and seed follow from the test's id and its index
    alone, so that a test which a later app resumes renders the same pairs.
    """

    def __init__(self, trial_id: str, prompts: Sequence[str], next_index: int) -> None:
        self._trial_id, self._prompts = trial_id, list(prompts)
        random.Random(trial_id).shuffle(self._prompts)
        self._next_index, self._group_size = next_index, 1
        self.identical = 0
        """Pairs in a row whose two images were the same."""
        self.requested_at = 0.0
        """When an annotator last asked for pairs, by the studio's clock."""
        self.problem: str | None = None
        """The error of the last attempt to render, or None."""

    @property
    def versions_look_the_same(self) -> bool:
        """So many pairs were identical that no votes could tell the versions apart."""
        return self.identical >= MAX_IDENTICAL

    def next_group(self) -> range:
        """Return the indexes of the pairs to render next."""
        return range(self._next_index, self._next_index + self._group_size)

    def advance(self, group: range) -> None:
        """Move on after a group was rendered; the next one is twice as large."""
        self._next_index = group.stop
        self._group_size = min(MAX_GROUP_SIZE, 2 * self._group_size)

    def item(self, index: int) -> RenderItem:
        """Return prompt and seed of a pair: every prompt once, then again with other seeds."""
        seed_number, prompt_number = divmod(index, len(self._prompts))
        key = f"{self._trial_id} {seed_number} {prompt_number}"
        seed = random.Random(key).randrange(2**32)
        return RenderItem(self._prompts[prompt_number], seed)
