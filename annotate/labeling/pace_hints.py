"""A gentle word to somebody who votes faster than anybody can look, or the same side over and over.

It is said now and then, refuses nothing and is kept nowhere.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from statistics import median

from storage.records import Verdict

FAST_MS = 450
"""Median time on a pair below which nobody has looked at both images."""
LATELY = 10
STREAK = 12
"""The same side so often in a row: of fair votes, once in two thousand."""
QUIET = 40
"""Votes before it is said again."""
TOO_FAST = "You are going fast. A short look away helps; every vote so far is kept."
ONE_SIDE = (
    "The {side} image {count} times in a row. That happens; a short pause helps to look afresh."
)


@dataclass(slots=True)
class RecentVotes:
    """The last votes of a person."""

    times: deque[int] = field(default_factory=lambda: deque(maxlen=LATELY))
    side: str = ""
    streak: int = 0
    quiet: int = 0


class PaceHints:
    """Remembers the last votes of everybody in memory; safe from any thread."""

    def __init__(self) -> None:
        self._recent: dict[str, RecentVotes] = {}
        self._guard = threading.Lock()

    def hint_after(self, annotator: str, verdict: str, response_ms: int | None) -> str | None:
        """Take in a vote; return a sentence if a pause would help now."""
        with self._guard:
            recent = self._recent.setdefault(annotator, RecentVotes())
            self._take_in(recent, verdict, response_ms)
            if recent.quiet > 0:
                recent.quiet -= 1
                return None
            told = self._word(recent)
            if told:
                recent.quiet, recent.streak = QUIET, 0
                recent.times.clear()
            return told

    def _take_in(self, recent: RecentVotes, verdict: str, response_ms: int | None) -> None:
        if response_ms is not None:
            recent.times.append(response_ms)
        side = verdict if Verdict(verdict).decisive else ""
        recent.streak = recent.streak + 1 if side and side == recent.side else int(bool(side))
        recent.side = side

    def _word(self, recent: RecentVotes) -> str | None:
        if len(recent.times) == LATELY and median(recent.times) < FAST_MS:
            return TOO_FAST
        if recent.streak >= STREAK:
            return ONE_SIDE.format(side=recent.side, count=recent.streak)
        return None
