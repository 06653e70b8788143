"""Trigger of automatic runs: after a number of votes, or once a day."""

import re
from datetime import datetime, time, timedelta

from annotate.clock import WallClock
from annotate.errors import InvalidSchedule

DAY = timedelta(days=1)
TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Trigger:
    """Trigger of automatic runs; it says when one is due and starts nothing itself."""

    def __init__(self, every: int, at: str | None, now: WallClock) -> None:
        """Take a number of decisive votes (0 = never) and a local time "HH:MM" (None = never)."""
        self.now = now
        self.change(every, at)

    def change(self, every: int, at: str | None) -> None:
        """Change the number of votes and the time of day; raises InvalidSchedule."""
        if every < 0:
            raise InvalidSchedule(
                f"A run cannot start every {every} votes. Choose 1 or more, or 0 for never."
            )
        self.at = time_of_day(at) if at else None
        self.every = every
        self._next_daily = self._daily_after(self.now())
        self._daily_due = False

    def poll(self, now: datetime, new: int, settled: int) -> str | None:
        """Return "threshold" or "daily" if a run is due, or None, and move the daily time on.

        Args:
            now: The time before the votes were counted, so that a vote that comes in between
                counts today.
            new: Decisive votes since the newest run.
            settled: How many of them are settled, so that a run may learn from them.

        Call it only while no run is under way: it answers "daily" once a day.
        """
        if self._next_daily is not None and self._next_daily - now > DAY:
            # The clock was set back: the next time can never be more than a day away.
            self._next_daily = self._daily_after(now)
        if self._next_daily is not None and now >= self._next_daily:
            self._next_daily, self._daily_due = self._daily_after(now), True

        if self.every and settled >= self.every:
            return "threshold"
        if not self._daily_due or (new and not settled):
            # Today's run stays due until the new votes have settled.
            return None
        self._daily_due = False
        return "daily" if settled else None

    def until_next(self, new: int) -> int | None:
        """Return how many decisive votes the next run waits for; None if votes start no run."""
        return max(0, self.every - new) if self.every else None

    def _daily_after(self, now: datetime) -> datetime | None:
        if self.at is None:
            return None
        today = datetime.combine(now.date(), self.at)
        return today if today > now else today + DAY


def time_of_day(text: str) -> time:
    """Return the time of day that "HH:MM" means; raises InvalidSchedule."""
    match = TIME_OF_DAY.fullmatch(text.strip())
    if match is None:
        raise InvalidSchedule(f"{text!r} is no time of day. Write it as HH:MM, such as 02:30.")
    return time(int(match[1]), int(match[2]))
