"""Pace hints: labelers who vote implausibly fast, or one side over and over, get a hint.

A hint comes now and then, refuses nothing and is recorded nowhere.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from statistics import median

from storage.acts import NewVote

FAST_MS = 450
"""Median response time below which nobody has looked at both images."""
RECENT_VOTES = 10
"""Votes that the median is taken over."""
STREAK = 12
"""The same side so often in a row: of fair votes, once in two thousand."""
VOTES_BETWEEN_HINTS = 40
TOO_FAST = "You are going fast. A short look away helps; every vote so far is kept."
ONE_SIDE = (
    "The {side} image {count} times in a row. That happens; a short pause helps to look afresh."
)


@dataclass(slots=True)
class RecentVotes:
    """The last votes of one annotator."""

    times: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT_VOTES))
    side: str = ""
    streak: int = 0
    votes_without_hint: int = 0
    """Votes that must pass before the next hint."""


class PaceHints:
    """The last votes of every annotator, in memory; safe from any thread."""

    def __init__(self) -> None:
        self._recent: dict[str, RecentVotes] = {}
        self._guard = threading.Lock()

    def hint_after(self, vote: NewVote) -> str | None:
        """Take in a vote; return a sentence if a pause would help now, else None."""
        with self._guard:
            recent = self._recent.setdefault(vote.annotator, RecentVotes())
            self._add(recent, vote)
            if recent.votes_without_hint > 0:
                recent.votes_without_hint -= 1
                return None
            hint = self._hint(recent)
            # Counted anew, or the next votes after a hint would give the same one again.
            if hint:
                recent.votes_without_hint, recent.streak = VOTES_BETWEEN_HINTS, 0
                recent.times.clear()
            return hint

    def _add(self, recent: RecentVotes, vote: NewVote) -> None:
        if vote.response_ms is not None:
            recent.times.append(vote.response_ms)
        side = vote.verdict if vote.verdict.decisive else ""
        recent.streak = recent.streak + 1 if side and side == recent.side else int(bool(side))
        recent.side = side

    def _hint(self, recent: RecentVotes) -> str | None:
        if len(recent.times) == RECENT_VOTES and median(recent.times) < FAST_MS:
            return TOO_FAST
        if recent.streak >= STREAK:
            return ONE_SIDE.format(side=recent.side, count=recent.streak)
        return None
