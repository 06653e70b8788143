"""How often somebody may try to sign in."""

import math
import threading
from collections import deque

from annotate.errors import TooManyTries
from annotate.timing import Monotonic

PER_NAME_AND_ADDRESS = (5, 300.0)
PER_ADDRESS = (30, 300.0)
PER_NAME = (100, 3600.0)
MOST_KEYS = 10_000

Key = tuple[str, str]


class Tries:
    """Counts tries before their outcome is known, so that many at once count too."""

    def __init__(self, clock: Monotonic) -> None:
        self._clock = clock
        self._past: dict[Key, deque[float]] = {}
        self._guard = threading.Lock()

    def begin(self, name: str, address: str) -> None:
        """Count a try; raises TooManyTries."""
        limits = {
            (name, address): PER_NAME_AND_ADDRESS,
            ("", address): PER_ADDRESS,
            (name, ""): PER_NAME,
        }
        with self._guard:
            wait = max(self._wait(key, *limit) for key, limit in limits.items())
            if wait > 0:
                minutes = math.ceil(wait / 60)
                raise TooManyTries(
                    f"Too many tries. Wait {minutes} {'minute' if minutes == 1 else 'minutes'}, "
                    "then try again."
                )
            self._forget_old()
            for key in limits:
                self._past.setdefault(key, deque()).append(self._clock())

    def succeeded(self, name: str, address: str) -> None:
        """Forget a person's failures from an address."""
        with self._guard:
            self._past.pop((name, address), None)

    def _wait(self, key: Key, most: int, within: float) -> float:
        past, now = self._past.get(key, deque()), self._clock()
        recent = [moment for moment in past if moment > now - within]
        return recent[-most] + within - now if len(recent) >= most else 0.0

    def _forget_old(self) -> None:
        if len(self._past) < MOST_KEYS:
            return
        since = self._clock() - PER_NAME[1]
        self._past = {key: past for key, past in self._past.items() if past[-1] > since}
