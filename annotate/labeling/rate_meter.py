"""How fast votes arrive."""

import threading
from collections import deque

from annotate.clock import Monotonic

MOST = 10_000


class RateMeter:
    """Remembers when things happened; safe from any thread."""

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._moments: deque[float] = deque(maxlen=MOST)
        self._guard = threading.Lock()

    def record(self) -> None:
        """Remember that it happened now."""
        with self._guard:
            self._moments.append(self._clock())

    def count_within(self, seconds: float) -> int:
        """How often it happened in the last `seconds`."""
        since = self._clock() - seconds
        with self._guard:
            return sum(moment > since for moment in self._moments)

    def seconds_since_last(self) -> float:
        """Seconds since it happened last; infinite if it never did."""
        with self._guard:
            return self._clock() - self._moments[-1] if self._moments else float("inf")
