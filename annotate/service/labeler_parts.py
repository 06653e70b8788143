"""Parts of the labeler's view: each holds the methods of one part of the studio for labelers.

Every method is written out, so that one added to the studio is closed to labelers until it is
added here.
"""

from typing import Any

from annotate.errors import NotAllowed
from annotate.service.labeler_errors import hidden_details
from annotate.service.studio import Studio
from annotate.views.blind_test_results import BlindTestView
from storage.records import VoteReceipt

BY_NAME = "Only an admin opens a blind test by its name. Its pairs come in between others."

Answer = dict[str, Any]


class LabelerAnnotations:
    """Annotations of votes for labelers: what the project offers, remarks and flags."""

    def __init__(self, studio: Studio) -> None:
        self._annotations = studio.annotations

    def options(self) -> Answer:
        """Return the reasons and criteria of the project."""
        with hidden_details():
            return self._annotations.options()

    def remark(
        self, vote_key: str, annotator: str, kind: str, name: str, value: str, key: str
    ) -> None:
        """Add a strength, a reason or a criterion to the annotator's vote."""
        with hidden_details():
            self._annotations.remark(vote_key, annotator, kind, name, value, key)

    def flag(self, pair_id: str, annotator: str, note: str, key: str) -> None:
        """Flag a pair, which hides it until an admin decides."""
        with hidden_details():
            self._annotations.flag(pair_id, annotator, note, key)


class LabelerSessions:
    """Labeling sessions for labelers: begin, pause, resume and end one's own."""

    def __init__(self, studio: Studio) -> None:
        self._sessions = studio.sessions

    def begin(self, annotator: str, goal: object) -> Answer:
        """Begin a session with a goal of so many votes."""
        with hidden_details():
            return self._sessions.begin(annotator, goal)

    def set_state(self, annotator: str, state: str) -> Answer:
        """Pause, resume or end the annotator's session."""
        with hidden_details():
            return self._sessions.set_state(annotator, state)

    def current(self, annotator: str) -> Answer | None:
        """Return the annotator's session under way, or None."""
        with hidden_details():
            return self._sessions.current(annotator)

    def summary(self, annotator: str) -> Answer | None:
        """Return the counts of the annotator's newest session, or None."""
        with hidden_details():
            return self._sessions.summary(annotator)


class LabelerBestWorst:
    """Best-worst rankings for labelers."""

    def __init__(self, studio: Studio) -> None:
        self._best_worst = studio.best_worst

    def rank(
        self,
        quad_id: str,
        best: int | None,
        worst: int | None,
        annotator: str,
        key: str,
        response_ms: object = None,
    ) -> VoteReceipt:
        """Record the places, 0 to 3, of the best and the worst of four images, once per key."""
        with hidden_details():
            return self._best_worst.rank(quad_id, best, worst, annotator, key, response_ms)


class LabelerInsights:
    """Insights for labelers: hints about their pace, and the habits of their own votes."""

    def __init__(self, studio: Studio) -> None:
        self.pace_hints = LabelerPaceHints(studio)
        self._insights = studio.insights

    def own(self, person: str) -> Answer:
        """Return the habits of a person's own votes."""
        with hidden_details():
            return self._insights.own(person)


class LabelerPaceHints:
    """Hints to slow down, for labelers who vote implausibly fast."""

    def __init__(self, studio: Studio) -> None:
        self._pace_hints = studio.insights.pace_hints

    def hint_after(self, annotator: str, verdict: str, response_ms: int | None) -> str | None:
        """Count a vote; return a sentence if a pause would help now."""
        with hidden_details():
            return self._pace_hints.hint_after(annotator, verdict, response_ms)


class LabelerBlindTests:
    """Blind tests for labelers: their pairs come mixed in between others, never by name."""

    def results(self, trial: str) -> BlindTestView:
        """Raise NotAllowed: knowing the results so far would bias the votes that follow."""
        raise NotAllowed(BY_NAME)
