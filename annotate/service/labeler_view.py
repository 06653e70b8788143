"""The studio as a labeler meets it: pairs and votes, and no word on what drew them.

Everything that a labeler is told passes here. No answer, and no error, names a model, a version, a
run or a path; and who was handed which images is remembered, since nobody else gets to see them.
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from annotate.errors import AnnotateError, InvalidRequest, NotAllowed
from annotate.service.studio import Studio
from annotate.validation import as_annotator
from storage.errors import (
    AlreadyVoted,
    DiskFull,
    InvalidAnnotation,
    InvalidAnnotator,
    InvalidFlag,
    InvalidGoal,
    InvalidKey,
    InvalidRanking,
    InvalidVerdict,
    NoLabelingSession,
    NothingToUndo,
    StorageError,
    UnknownPair,
    UnknownQuad,
    UnknownVote,
)
from storage.tables.people import People

TELLING = (
    AlreadyVoted,
    InvalidAnnotator,
    InvalidGoal,
    InvalidKey,
    InvalidRanking,
    InvalidAnnotation,
    InvalidFlag,
    InvalidRequest,
    InvalidVerdict,
    NoLabelingSession,
    NothingToUndo,
    UnknownPair,
    UnknownQuad,
    UnknownVote,
)
"""Errors whose sentences are about what the labeler sent."""
DRAWING = "New pairs are being drawn. They come by themselves."
LEARNING = "The model is learning from the votes. New pairs come when it is done."
TROUBLE = "No pair can be drawn just now. Tell whoever runs this Palate."
NO_SPACE = "Votes cannot be saved just now, since a disk is full. Tell whoever runs this Palate."
BY_NAME = "Only an admin opens a blind test by its name. Its pairs come in between others."
ELSE = "That did not work. Tell whoever runs this Palate."
IMAGE = re.compile(r"img/([0-9a-f]{16})\.png")
REMEMBERED = 4000
"""Images that a person was handed lately; those they voted on are in the store for good."""

Answer = TypeVar("Answer")
Told = dict[str, Any]


class LabelerView:
    """What of a studio is for labelers; what it does not have, they cannot ask for."""

    def __init__(self, studio: Studio, people: People, expected: tuple[type[Exception], ...]):
        self._studio, self._people, self._expected = studio, people, expected
        self.train_every = studio.train_every
        self.blind_tests = LabelerBlindTests()
        self.annotations = self._only(studio.annotations, "offered", "remark", "report")
        self.sessions = self._only(studio.sessions, "begin", "turn", "now", "summary")
        self.best_worst = self._only(studio.best_worst, "rank")
        pace_hints = self._only(studio.insights.pace_hints, "after")
        self.insights = SimpleNamespace(
            pace_hints=pace_hints, own=self._discreet(studio.insights.own)
        )
        self._handed: dict[str, OrderedDict[str, None]] = {}
        self._guard = threading.Lock()

    def next_pair(self, annotator: str, trial: str = "") -> Told:
        """Return the annotator's open pair, or how long to wait for one."""
        if trial:
            raise NotAllowed(BY_NAME)
        pair = self._discreet(self._studio.next_pair)(annotator)
        return self._hand(annotator, self._without_reason(pair))

    def pairs_ahead(self, annotator: str, have: Iterable[str], want: int, trial: str = "") -> Told:
        """Return pairs besides those that the page has."""
        if trial:
            raise NotAllowed(BY_NAME)
        answer = self._discreet(self._studio.pairs_ahead)(annotator, have, want)
        return self._hand(annotator, self._without_reason(answer))

    def quads_ahead(self, annotator: str, have: Sequence[str], want: int) -> Told:
        """Return fours besides those that the page has."""
        answer = self._discreet(self._studio.quads_ahead)(annotator, have, want)
        return self._hand(annotator, self._without_reason(answer))

    def next_quad(self, annotator: str) -> Told:
        """Return the annotator's open four, or how long to wait."""
        answer = self._discreet(self._studio.next_quad)(annotator)
        return self._hand(annotator, self._without_reason(answer))

    def vote(
        self, pair_id: str, verdict: str, annotator: str, key: str, response_ms: int | None = None
    ) -> Told:
        """Record a vote, once per key."""
        return self._discreet(self._studio.vote)(pair_id, verdict, annotator, key, response_ms)

    def undo(self, annotator: str, key: str | None = None) -> Told:
        """Take back what the annotator gave last, and return the pair or the four of it."""
        return self._hand(annotator, self._discreet(self._studio.undo)(annotator, key))

    def take_back(self, annotator: str, key: str | None = None) -> Told:
        """Do as `undo`, and return also what was taken back and a sentence about it."""
        return self._hand(annotator, self._discreet(self._studio.take_back)(annotator, key))

    def stats(self, annotator: str | None = None) -> Told:
        """Count votes in all; whose they are is not told."""
        return self._discreet(self._studio.stats)(annotator)

    def notices(self) -> list[str]:
        """Say nothing of the database, which is for whoever runs the app."""
        return []

    def activity(self) -> Told:
        """Say no more than whether there are pairs."""
        activity = self._discreet(self._studio.activity)()
        ready, target = activity["pool"]["ready"], activity["pool"]["target"]
        told = f"{ready} pairs ready." if ready >= target else self._reason(activity)
        return {"message": told}

    def image(self, annotator: str, image_id: str) -> Path | None:
        """Return the file of an image that this person was handed; None for any other."""
        with self._guard:
            handed = image_id in self._handed.get(annotator, ())
        if not handed and not self._people.was_shown(annotator, image_id):
            return None
        return self._studio.image_file(image_id)

    def _hand(self, annotator: str, answer: Told) -> Told:
        with self._guard:
            handed = self._handed.setdefault(as_annotator(annotator), OrderedDict())
            for image_id in IMAGE.findall(json.dumps(answer)):
                handed[image_id] = None
                handed.move_to_end(image_id)
            while len(handed) > REMEMBERED:
                handed.popitem(last=False)
        return answer

    def _without_reason(self, answer: Told) -> Told:
        if answer.get("reason") is None:
            return answer
        return {**answer, "reason": self._reason(self._studio.activity())}

    def _reason(self, activity: Told) -> str:
        """Say why there is no pair, as far as it is a labeler's concern."""
        if activity["pool"]["problem"] or activity["sampler"]["state"] == "failed":
            return TROUBLE
        if activity["run"] is not None:
            return LEARNING
        return DRAWING

    def _only(self, part: object, *names: str) -> Any:
        """Return these methods of a part of the studio, and nothing else of it."""
        return SimpleNamespace(**{name: self._discreet(getattr(part, name)) for name in names})

    def _discreet(self, ask: Callable[..., Answer]) -> Callable[..., Answer]:
        def asked(*args: Any) -> Answer:
            with told_discreetly(self._expected):
                return ask(*args)

        return asked


class LabelerBlindTests:
    """Blind tests as labelers meet them: mixed in between other pairs, and never by name."""

    def results(self, trial: str) -> Told:
        """Refuse: how a blind test stands is not for those who vote in it."""
        raise NotAllowed(BY_NAME)


AnyStudio = Studio | LabelerView
"""What the labeling stage talks to."""


@contextmanager
def told_discreetly(expected: tuple[type[Exception], ...]) -> Iterator[None]:
    """Keep of an expected error what a labeler may know; raises InvalidRequest or DiskFull."""
    hidden: tuple[type[Exception], ...] = (*expected, AnnotateError, StorageError)
    try:
        yield
    except TELLING:
        raise
    except DiskFull:
        raise DiskFull(NO_SPACE) from None
    except hidden:
        raise InvalidRequest(ELSE) from None
