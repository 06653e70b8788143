"""Which votes are settled: by the order they were given in, and by how long ago this app took them.

The time that a vote was given is written beside it by the clock on the wall, and that may be wrong
by a day, or be put right meanwhile. So a vote of this app's life is as old as a clock says that
only ever goes on, and one of an earlier life is settled by its time, or once this life has lasted.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database import Database
from storage.timestamps import Clock

Monotonic = Callable[[], float]
VOTES, RANKINGS = "votes", "rankings"
NEWEST = {
    VOTES: "SELECT coalesce(max(vote_id), 0) FROM votes",
    RANKINGS: "SELECT coalesce(max(ranking_id), 0) FROM rankings",
}
REMEMBERED_ACTS = 10_000
"""Acts whose moment is remembered; of more within one settling time the oldest settle later."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is settled of one kind of act: ids up to `newest`, and those up to `earlier` that were
    given before a time.
    """

    newest: int
    earlier: int
    before: datetime

    def bounds(self) -> Mapping[str, object]:
        """Its parts as a query names them."""
        return {"newest": self.newest, "earlier": self.earlier, "before": self.before}


SETTLED = "({id} <= $newest OR ({id} <= $earlier AND {created} <= $before))"
"""A condition of SQL; it is true of what a horizon settles."""


class Settling:
    """Remembers when this app took each vote and ranking; safe from any thread."""

    def __init__(self, database: Database, clock: Clock, monotonic: Monotonic) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._began = monotonic()
        self._earlier = {kind: int(database.read(sql)[0][0]) for kind, sql in NEWEST.items()}
        self._given: dict[str, deque[tuple[float, int]]] = {
            kind: deque(maxlen=REMEMBERED_ACTS) for kind in NEWEST
        }
        self._guard = threading.Lock()

    def note(self, kind: str, number: int) -> None:
        """Remember that an act was recorded now; only in the order of the commits."""
        with self._guard:
            self._given[kind].append((self._monotonic(), number))

    def horizon(self, kind: str, settle_s: float) -> Horizon:
        """Return what is settled of votes or rankings that settle for so many seconds."""
        until = self._monotonic() - settle_s
        with self._guard:
            passed = [number for moment, number in self._given[kind] if moment <= until]
        earlier = self._earlier[kind]
        lived = earlier if self._began <= until else 0
        before = self._clock() - timedelta(seconds=settle_s)
        return Horizon(max(passed, default=lived), earlier, before)


def unbounded() -> Horizon:
    """Return a horizon that leaves nothing out."""
    return Horizon(2**62, 2**62, datetime.max)
