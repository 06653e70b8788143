"""Labeling sessions: a goal of so many votes, with pauses, and a summary at the end."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.validation import as_annotator
from annotate.views.pairs_and_votes import OwnHabits, SessionCounts, SessionProgress, SessionSummary
from annotate.views.vote_insights import OwnVotesView
from storage.records import LabelingSession, SessionVote
from storage.store import Store

AWAY_S = 120.0
"""A longer gap between two votes does not count as time spent labeling."""
MAX_LIKED = 3
STATES = ("open", "paused", "ended")


class LabelingSessions:
    """Sessions of all annotators: each has one at a time, whatever page or device they use."""

    def __init__(
        self,
        store: Store,
        assigners: Sequence[PairAssigner | QuadAssigner],
        own_votes: Callable[[str], OwnVotesView],
    ) -> None:
        """Make the sessions; `own_votes` returns an annotator's habits and likings."""
        self._store, self._assigners, self._own_votes = store, assigners, own_votes

    def begin(self, annotator: str, goal: object) -> SessionProgress:
        """Begin a session with a goal of so many votes; raises InvalidRequest or InvalidGoal."""
        if isinstance(goal, bool) or not isinstance(goal, int):
            raise InvalidRequest(f"The goal must be a whole number, not {goal!r}.")
        return self._progress(self._store.sessions.begin(as_annotator(annotator), goal))

    def set_state(self, annotator: str, state: str) -> SessionProgress:
        """Pause, resume or end a session; raises InvalidRequest or NoLabelingSession.

        What an annotator who pauses holds goes to others meanwhile.
        """
        if state not in STATES:
            raise InvalidRequest(f"{state!r} is no state of a session. Send {', '.join(STATES)}.")
        name = as_annotator(annotator)
        session = self._store.sessions.set_state(name, state)
        # Others may label them meanwhile; the annotator gets new ones afterwards.
        if state == "paused":
            for assigner in self._assigners:
                assigner.release(name)
        return self._progress(session)

    def current(self, annotator: str) -> SessionProgress | None:
        """Return the annotator's session under way, or None."""
        session = self._store.sessions.newest(as_annotator(annotator))
        return self._progress(session) if session and session.state != "ended" else None

    def summary(self, annotator: str) -> SessionSummary | None:
        """Return the summary of the annotator's newest session, ended or not; None without any."""
        session = self._store.sessions.newest(as_annotator(annotator))
        if session is None:
            return None
        counted = summary(session, self._store.sessions.votes_in(session))
        return {**counted, **habits(session.annotator, self._own_votes(session.annotator))}

    def _progress(self, session: LabelingSession) -> SessionProgress:
        given = self._store.sessions.count(session)
        return {"goal": session.goal, "given": given, "state": session.state}


def summary(session: LabelingSession, given: list[SessionVote]) -> SessionCounts:
    """Count a session's votes by verdict, the minutes at work and the pace; None where too few."""
    kinds = Counter(vote.verdict for vote in given)
    times = [vote.created for vote in given]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    at_work = sum(gap for gap in gaps if gap <= AWAY_S)
    times_ms = [vote.response_ms for vote in given if vote.response_ms is not None]

    return {
        "goal": session.goal,
        "given": len(given),
        "kinds": dict(kinds.most_common()),
        "left_share": ratio(kinds["left"], kinds["left"] + kinds["right"]),
        "minutes": round(at_work / 60, 1),
        "per_minute": round(60 * (len(given) - 1) / at_work, 1) if at_work else None,
        "median_ms": round(median(times_ms)) if times_ms else None,
    }


def habits(annotator: str, own: OwnVotesView) -> OwnHabits:
    """Return how often repeats got the same answer, and what is chosen more often, in words."""
    known = own["habits"].get(annotator)
    attributes = own["likes"]["attributes"]
    return {
        "same_twice": known["same_twice"]["count"] if known else 0,
        "asked_twice": known["same_twice"]["of"] if known else 0,
        "liked": [attribute["words"] for attribute in attributes if attribute["tells"]][:MAX_LIKED],
    }


def ratio(part: int, whole: int) -> float | None:
    """Return a rounded ratio, or None of nothing."""
    return round(part / whole, 3) if whole else None
