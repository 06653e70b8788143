"""Rate meter: counts events over the last seconds or minutes, such as votes."""

import threading
from collections import deque

from annotate.clock import Monotonic

MAX_EVENTS = 10_000
"""Events remembered; a minute of labeling holds a few hundred."""


class RateMeter:
    """Remembers the times of the newest events; safe from any thread."""

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=MAX_EVENTS)
        self._guard = threading.Lock()

    def record(self) -> None:
        """Record an event at the present time."""
        with self._guard:
            self._times.append(self._clock())

    def count_within(self, seconds: float) -> int:
        """Count the events of the last `seconds`."""
        since = self._clock() - seconds
        with self._guard:
            return sum(time > since for time in self._times)

    def seconds_since_last(self) -> float:
        """Return the seconds since the newest event; infinite if there was none."""
        with self._guard:
            return self._clock() - self._times[-1] if self._times else float("inf")
