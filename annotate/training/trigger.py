"""When a run starts by itself: after so many votes, or once a day."""

import re
from datetime import datetime, time, timedelta

from annotate.clock import WallClock
from annotate.errors import InvalidSchedule

DAY = timedelta(days=1)
TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Trigger:
    """Says whether a run is due; it starts nothing."""

    def __init__(self, every: int, at: str | None, now: WallClock) -> None:
        """Take a number of decisive votes (0 = never) and a local time "HH:MM" (None = never)."""
        if every < 0:
            raise InvalidSchedule(
                f"A run cannot start every {every} votes. Choose 1 or more, or 0 for never."
            )
        self.every = every
        self._at = time_of_day(at) if at else None
        self.now = now
        self._next = self._following(now())
        self._daily_due = False

    def poll(self, now: datetime, new: int, settled: int) -> str | None:
        """Return why a run is due, given the new decisive votes and how many of them are settled.

        To be asked while no run goes on, with the time from before the votes were counted: one
        that comes in between counts today. The answer is "threshold", "daily" or None.
        """
        if self._next is not None and self._next - now > DAY:
            # The clock was put back, so that the next time is further away than any can be.
            self._next = self._following(now)
        if self._next is not None and now >= self._next:
            self._next, self._daily_due = self._following(now), True
        if self.every and settled >= self.every:
            return "threshold"
        if not self._daily_due or (new and not settled):
            return None
        self._daily_due = False
        return "daily" if settled else None

    def until_next(self, new: int) -> int | None:
        """How many decisive votes are missing until the next run; None if votes start none."""
        return max(0, self.every - new) if self.every else None

    def _following(self, now: datetime) -> datetime | None:
        if self._at is None:
            return None
        today = datetime.combine(now.date(), self._at)
        return today if today > now else today + DAY


def time_of_day(text: str) -> time:
    """Return the time of day that "HH:MM" means; raises InvalidSchedule."""
    match = TIME_OF_DAY.fullmatch(text.strip())
    if match is None:
        raise InvalidSchedule(f"{text!r} is no time of day. Write it as HH:MM, such as 02:30.")
    return time(int(match[1]), int(match[2]))
