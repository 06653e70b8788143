"""Settling: a vote is settled once it is old enough that nobody is about to undo it.

A run trains on settled votes only: those recorded more than `settle_s` seconds ago (10 by default),
so that a slip that is undone at once never reaches a snapshot. The field has no word for this.

Ages are not taken from the timestamps: the wall clock may be wrong by a day, or be set right
meanwhile. Votes of this process are aged by the monotonic clock. Votes of an earlier process are
settled by their timestamps, or once this process has run for `settle_s` itself.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.act_log import RANKING, VOTE, ActKind
from storage.database import Database
from storage.timestamps import Clock

Monotonic = Callable[[], float]
REMEMBERED_ACTS = 10_000
"""Acts whose monotonic time is kept; of more within one settling time the oldest settle later."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The settled ids of votes or of rankings: up to `newest`, and up to `earlier` if created
    `before` a time.
    """

    newest: int
    earlier: int
    before: datetime

    def bounds(self) -> Mapping[str, object]:
        """Return the values of the parameters that SETTLED names."""
        return {"newest": self.newest, "earlier": self.earlier, "before": self.before}


SETTLED = "({id} <= $newest OR ({id} <= $earlier AND {created} <= $before))"
"""A condition of SQL that is true of settled rows; its parameters are `Horizon.bounds`."""


class Settling:
    """The monotonic times at which this process recorded votes and rankings; thread-safe."""

    def __init__(self, database: Database, clock: Clock, monotonic: Monotonic) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._began = monotonic()
        self._earlier = {kind: newest_id(database, kind) for kind in (VOTE, RANKING)}
        self._given: dict[ActKind, deque[tuple[float, int]]] = {
            kind: deque(maxlen=REMEMBERED_ACTS) for kind in self._earlier
        }
        self._guard = threading.Lock()

    def note(self, kind: ActKind, number: int) -> None:
        """Remember that an act was recorded now; called in the order of the commits."""
        with self._guard:
            self._given[kind].append((self._monotonic(), number))

    def horizon(self, kind: ActKind, settle_s: float) -> Horizon:
        """Return the horizon of votes or rankings that were recorded `settle_s` seconds ago."""
        until = self._monotonic() - settle_s
        with self._guard:
            passed = [number for moment, number in self._given[kind] if moment <= until]
        earlier = self._earlier[kind]
        # Every vote of an earlier process is older than this process.
        outlived = earlier if self._began <= until else 0
        before = self._clock() - timedelta(seconds=settle_s)
        return Horizon(max(passed, default=outlived), earlier, before)


def newest_id(database: Database, kind: ActKind) -> int:
    """Return the id of the newest act of a kind; 0 before any."""
    sql = f"SELECT coalesce(max({kind.row_id}), 0) FROM {kind.table}"
    return int(database.read(sql)[0][0])


def unbounded() -> Horizon:
    """Return a horizon that settles everything."""
    return Horizon(2**62, 2**62, datetime.max)
