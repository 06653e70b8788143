"""Clocks, which tests replace: monotonic seconds for durations, local time for schedules."""

from collections.abc import Callable
from datetime import datetime

Monotonic = Callable[[], float]
"""Returns seconds that never go back, from any origin."""
WallClock = Callable[[], datetime]
"""Returns the local time without a zone."""


def in_utc(moment: datetime) -> str:
    """Return a time of the store, which is UTC without a zone, as ISO 8601."""
    return f"{moment.isoformat(timespec='seconds')}Z"
