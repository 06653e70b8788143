"""Sittings: a goal of so many votes, with a pause, and a summary of what came of it."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import PairAssigner
from annotate.validation import as_annotator
from storage.records import LabelingSession, SessionVote
from storage.store import Store

AWAY_S = 120.0
"""A longer silence between two votes was no labeling."""
MOST_LIKED = 3
STATES = ("open", "paused", "ended")


class LabelingSessions:
    """One sitting a person at a time, wherever they are."""

    def __init__(self, store: Store, assigner: PairAssigner) -> None:
        self._store, self._assigner = store, assigner
        self.own: Callable[[str], dict[str, Any]] = lambda annotator: {}
        """What all of a person's votes say of how they vote and what they like."""

    def begin(self, annotator: str, goal: object) -> dict[str, Any]:
        """Begin a sitting of so many votes; raises InvalidGoal."""
        if isinstance(goal, bool) or not isinstance(goal, int):
            raise InvalidRequest(f"The goal must be a whole number, not {goal!r}.")
        return self._told(self._store.sessions.begin(as_annotator(annotator), goal))

    def set_state(self, annotator: str, state: str) -> dict[str, Any]:
        """Pause, go on with or end a sitting; raises NoLabelingSession.

        The pairs of somebody who pauses are for others meanwhile.
        """
        if state not in STATES:
            raise InvalidRequest(f"{state!r} is no state of a sitting. Send {', '.join(STATES)}.")
        name = as_annotator(annotator)
        sitting = self._store.sessions.set_state(name, state)
        if state == "paused":
            self._assigner.release(name)
        return self._told(sitting)

    def current(self, annotator: str) -> dict[str, Any] | None:
        """The annotator's sitting under way, or None."""
        sitting = self._store.sessions.newest(as_annotator(annotator))
        return self._told(sitting) if sitting and sitting.state != "ended" else None

    def summary(self, annotator: str) -> dict[str, Any] | None:
        """What the annotator's newest sitting came to, ended or not."""
        sitting = self._store.sessions.newest(as_annotator(annotator))
        if sitting is None:
            return None
        counted = summary(sitting, self._store.sessions.votes_in(sitting))
        return counted | character(sitting.annotator, self.own(sitting.annotator))

    def _told(self, sitting: LabelingSession) -> dict[str, Any]:
        given = self._store.sessions.count(sitting)
        return {"goal": sitting.goal, "given": given, "state": sitting.state}


def summary(sitting: LabelingSession, given: list[SessionVote]) -> dict[str, Any]:
    """Count a sitting's votes by kind, the minutes at work and the pace; None where too few."""
    kinds = Counter(vote.verdict for vote in given)
    times = [vote.created for vote in given]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    at_work = sum(gap for gap in gaps if gap <= AWAY_S)
    answers = [vote.response_ms for vote in given if vote.response_ms is not None]
    return {
        "goal": sitting.goal,
        "given": len(given),
        "kinds": dict(kinds.most_common()),
        "left_share": share(kinds["left"], kinds["left"] + kinds["right"]),
        "minutes": round(at_work / 60, 1),
        "per_minute": round(60 * (len(given) - 1) / at_work, 1) if at_work else None,
        "median_ms": round(median(answers)) if answers else None,
    }


def character(annotator: str, own: dict[str, Any]) -> dict[str, Any]:
    """How often the same answer came twice, and what is chosen more often, in words."""
    twice = own.get("habits", {}).get(annotator, {}).get("same_twice", {})
    attributes = own.get("likes", {}).get("attributes", [])
    return {
        "same_twice": twice.get("count", 0),
        "asked_twice": twice.get("of", 0),
        "liked": [one["words"] for one in attributes if one["tells"]][:MOST_LIKED],
    }


def share(part: int, whole: int) -> float | None:
    """Return a share, or None of nothing."""
    return round(part / whole, 3) if whole else None
