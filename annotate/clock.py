"""Clocks and how moments are written: seconds for durations, local time for schedules, UTC."""

from collections.abc import Callable
from datetime import datetime

Monotonic = Callable[[], float]
WallClock = Callable[[], datetime]


def in_utc(moment: datetime) -> str:
    """Write a moment of the store, which is UTC without a zone, as ISO 8601."""
    return f"{moment.isoformat(timespec='seconds')}Z"
