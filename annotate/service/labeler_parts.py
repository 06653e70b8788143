"""Parts of the labeler's view: each holds the methods of one part of the studio for labelers.

Every method is written out, so that one added to the studio is closed to labelers until it is
added here. Parts of the studio are looked up at each call: they change with the model.
"""

from collections.abc import Callable
from typing import Any

from annotate.errors import NotAllowed
from annotate.service.labeler_errors import hidden_details
from annotate.service.studio import Studio
from annotate.views.blind_test_results import BlindTestView
from annotate.views.pairs_and_votes import SessionProgress, SessionSummary
from annotate.views.project import ProjectOptions
from annotate.views.prompts import AskedItems, AskedPrompt
from annotate.views.vote_insights import OwnVotesView
from storage.acts import NewAnnotation, NewFlag, NewRanking, NewVote

ONLY_ADMINS = "Only admins add prompts in this project. Ask one to let labelers do so, in Settings."
BY_NAME = "Only an admin opens a blind test by its name. Its pairs come in between others."


class LabelerAnnotations:
    """Annotations of votes for labelers: what the project offers, remarks and flags."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def options(self) -> ProjectOptions:
        """Return the reasons and criteria of the project."""
        with hidden_details():
            return self._studio.annotations.options()

    def annotate(self, annotation: NewAnnotation) -> None:
        """Add a strength, a reason or a criterion to the annotator's vote."""
        with hidden_details():
            self._studio.annotations.annotate(annotation)

    def flag(self, flag: NewFlag) -> None:
        """Flag a pair, which hides it until an admin decides."""
        with hidden_details():
            self._studio.annotations.flag(flag)


class LabelerSessions:
    """Labeling sessions for labelers: begin, pause, resume and end one's own."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def begin(self, annotator: str, goal: object) -> SessionProgress:
        """Begin a session with a goal of so many votes."""
        with hidden_details():
            return self._studio.sessions.begin(annotator, goal)

    def set_state(self, annotator: str, state: str) -> SessionProgress:
        """Pause, resume or end the annotator's session."""
        with hidden_details():
            return self._studio.sessions.set_state(annotator, state)

    def current(self, annotator: str) -> SessionProgress | None:
        """Return the annotator's session under way, or None."""
        with hidden_details():
            return self._studio.sessions.current(annotator)

    def summary(self, annotator: str) -> SessionSummary | None:
        """Return the counts of the annotator's newest session, or None."""
        with hidden_details():
            return self._studio.sessions.summary(annotator)


class LabelerBestWorst:
    """Best-worst rankings for labelers."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def rank(self, ranking: NewRanking) -> None:
        """Record which of four images is the best and which the worst, once per key."""
        with hidden_details():
            self._studio.best_worst.rank(ranking)


class LabelerInsights:
    """Insights for labelers: hints about their pace, and the habits of their own votes."""

    def __init__(self, studio: Studio) -> None:
        self.pace_hints = LabelerPaceHints(studio)
        self._studio = studio

    def own(self, person: str) -> OwnVotesView:
        """Return the habits of a person's own votes."""
        with hidden_details():
            return self._studio.insights.own(person)


class LabelerPaceHints:
    """Hints to slow down, for labelers who vote implausibly fast."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def hint_after(self, vote: NewVote) -> str | None:
        """Count a vote; return a sentence if a pause would help now."""
        with hidden_details():
            return self._studio.insights.pace_hints.hint_after(vote)


class LabelerPrompts:
    """Prompts for labelers: more of the one that is shown, and new ones if admins allow it."""

    def __init__(self, studio: Studio, remember: Callable[[str, Any], Any]) -> None:
        """`remember` remembers the images of an answer as assigned to an annotator."""
        self._studio, self._remember = studio, remember

    @property
    def labelers_may_add(self) -> bool:
        """Return whether admins let labelers add prompts."""
        return self._studio.prompts.labelers_may_add

    def more_of(self, annotator: str, item_id: str, four: bool) -> AskedPrompt:
        """Let four more pairs of an item's prompt come next, or one more set of four."""
        with hidden_details():
            return self._studio.prompts.more_of(annotator, item_id, four)

    def queue(self, annotator: str, prompt: str, four: bool) -> AskedPrompt:
        """Add a prompt to the project, and let its pairs come next; raises NotAllowed."""
        if not self.labelers_may_add:
            raise NotAllowed(ONLY_ADMINS)
        with hidden_details():
            return self._studio.prompts.queue(annotator, prompt, four)

    def arrived(self, annotator: str, four: bool) -> AskedItems[Any]:
        """Return what was rendered of the prompts that the annotator asked for."""
        with hidden_details():
            arrived = self._studio.prompts.arrived(annotator, four)
        self._remember(annotator, arrived)
        return arrived


class LabelerBlindTests:
    """Blind tests for labelers: their pairs come mixed in between others, never by name."""

    def results(self, trial: str) -> BlindTestView:
        """Raise NotAllowed: knowing the results so far would bias the votes that follow."""
        raise NotAllowed(BY_NAME)
