"""The two clocks: seconds for durations, local wall-clock time for schedules."""

from collections.abc import Callable
from datetime import datetime

Monotonic = Callable[[], float]
WallClock = Callable[[], datetime]
