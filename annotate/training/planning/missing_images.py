"""Votes that a run leaves out because one of their images is missing or damaged."""

import threading
from collections.abc import Mapping

from annotate.clock import Monotonic
from annotate.wording import quantity
from storage.records import OtherVotes, UnusableVotes, Voters
from storage.snapshot.sources import NO_OTHERS
from storage.store import Store

CACHE_FACTOR = 20
"""A result is kept 20 times as long as it took, since the page asks for it every two seconds."""
MAX_NAMED_IMAGES = 3


class MissingImages:
    """Votes with missing images, cached in proportion to what checking the files costs."""

    def __init__(self, store: Store, model_id: str, clock: Monotonic) -> None:
        self._store, self._model_id, self._clock = store, model_id, clock
        self._cache: dict[tuple[Voters, tuple[str, ...]], tuple[float, UnusableVotes]] = {}
        self._guard = threading.Lock()

    def votes_of(
        self, voter: Voters, others: OtherVotes = NO_OTHERS, refresh: bool = False
    ) -> UnusableVotes:
        """Return the unusable votes of some people, or with None of everybody; `others` included.

        With `refresh` the files are checked now, whatever the cache holds.
        """
        with self._guard:
            now = self._clock()
            key = (voter, others.key)
            expires, unusable = self._cache.get(key, (now, None))
            if unusable is not None and now < expires and not refresh:
                return unusable

            unusable = self._store.snapshots.unusable(self._model_id, voter, others)
            checked = self._clock()
            self._cache[key] = (checked + CACHE_FACTOR * (checked - now), unusable)
            return unusable


def left_out_sentence(votes: int, images: Mapping[str, str]) -> str | None:
    """Return a sentence on the votes that a run leaves out; None if there are none.

    `images` maps file names to what is wrong with each.
    """
    if not votes or not images:
        return None
    first = list(images.items())[:MAX_NAMED_IMAGES]
    named = ", ".join(f"{image} ({problem})" for image, problem in first)
    more = f" and {len(images) - len(first):,} more" if len(images) > len(first) else ""
    are, their = ("is", "an image of it") if votes == 1 else ("are", "images of them")
    return (
        f"{quantity(votes, 'vote')} {are} left out, for {their} cannot be used: {named}{more}. "
        "Once the files are back, the next run learns from them."
    )
