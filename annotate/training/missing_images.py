"""Votes that a run leaves out because an image of theirs is gone or damaged."""

import threading
from collections.abc import Mapping

from annotate.clock import Monotonic
from annotate.wording import quantity
from storage.records import UnusableVotes
from storage.store import Store

SHARE = 20
"""Looking again takes at most a twentieth of the time: the page asks every two seconds."""
NAMED = 3


class MissingImages:
    """Remember what is lost for as long as looking again would cost too much."""

    def __init__(self, store: Store, model_id: str, clock: Monotonic) -> None:
        self._store, self._model_id, self._clock = store, model_id, clock
        self._known: dict[str | None, tuple[float, UnusableVotes]] = {}
        self._guard = threading.Lock()

    def of(self, voter: str | None, anew: bool = False) -> UnusableVotes:
        """Return what is lost of one person's votes, or of everybody's; if `anew`, as of now."""
        with self._guard:
            now = self._clock()
            fresh_until, lost = self._known.get(voter, (now, None))
            if lost is not None and now < fresh_until and not anew:
                return lost

            lost = self._store.snapshots.unusable(self._model_id, voter)
            after = self._clock()
            self._known[voter] = (after + SHARE * (after - now), lost)
            return lost


def left_out_sentence(votes: int, images: Mapping[str, str]) -> str | None:
    """Return the sentence about votes that are left out; None without any."""
    if not votes or not images:
        return None
    named = ", ".join(f"{image} ({why})" for image, why in list(images.items())[:NAMED])
    more = f" and {len(images) - NAMED:,} more" if len(images) > NAMED else ""
    are, their = ("is", "an image of it") if votes == 1 else ("are", "images of them")
    return (
        f"{quantity(votes, 'vote')} {are} left out, for {their} cannot be used: {named}{more}. "
        "Once the files are back, the next run learns from them."
    )
