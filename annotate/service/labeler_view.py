"""The labeler's view of the studio: pairs and votes, without a word on what rendered the images.

Everything that is sent to a labeler passes here. No answer and no error names a model, a version, a
run or a path, since knowing them would bias the votes. The view also remembers which images each
labeler was assigned, and serves them no others.
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from annotate.errors import NotAllowed
from annotate.service.labeler_errors import hidden_details
from annotate.service.labeler_parts import (
    BY_NAME,
    LabelerAnnotations,
    LabelerBestWorst,
    LabelerBlindTests,
    LabelerInsights,
    LabelerPrompts,
    LabelerSessions,
)
from annotate.service.labeling import first_or_wait
from annotate.service.studio import Studio
from annotate.validation import as_annotator
from annotate.views.activity import ActivityView, PublicActivity
from annotate.views.own_votes import ChangedVote, OwnVotesList
from annotate.views.pairs_and_votes import (
    AcceptedVote,
    ItemsAhead,
    LabelingStats,
    PairView,
    QuadView,
    UndoView,
    Wait,
)
from annotate.wording import soon
from storage.acts import NewVote
from storage.tables.people import People

RENDERING = "New pairs are being rendered. They come by themselves."
TRAINING = "The model is learning from the votes. New pairs come by themselves."
TRAINING_UNTIL = "The model is learning from the votes. Next images {when}."
SOON_S = 20.0
RENDERING_FAILED = "No pair can be rendered just now. Tell whoever runs this Palate."
IMAGE_URL = re.compile(r"img/([0-9a-f]{16})\.png")
MAX_RECENT_IMAGES = 4000
"""Images per labeler that are remembered as assigned; those they voted on are in the store."""


Answer = TypeVar("Answer")


class LabelerView:
    """The part of a studio that labelers may use; it has no method for anything else."""

    def __init__(self, studio: Studio, people: People) -> None:
        self._studio, self._people = studio, people
        self.blind_tests = LabelerBlindTests()
        self.annotations = LabelerAnnotations(studio)
        self.sessions = LabelerSessions(studio)
        self.best_worst = LabelerBestWorst(studio)
        self.insights = LabelerInsights(studio)
        self.prompts = LabelerPrompts(studio, self._remember_images)
        self._assigned: dict[str, OrderedDict[str, None]] = {}
        self._guard = threading.Lock()

    @property
    def train_every(self) -> int:
        """Return the decisive votes after which a run starts by itself; 0 for never."""
        return self._studio.train_every

    def next_pair(self, annotator: str, trial: str = "") -> PairView | Wait:
        """Return the annotator's open pair, or how long to wait for one; raises NotAllowed."""
        return first_or_wait(self.pairs_ahead(annotator, [], 1, trial))

    def pairs_ahead(
        self,
        annotator: str,
        have: Iterable[str],
        want: int,
        trial: str = "",
        keep_winner: bool | None = None,
    ) -> ItemsAhead[PairView]:
        """Return up to `want` pairs besides those that the page has; raises NotAllowed."""
        if trial:
            raise NotAllowed(BY_NAME)
        with hidden_details():
            pairs = self._studio.pairs_ahead(annotator, have, want, keep_winner=keep_winner)
        self._hide_reason(pairs)
        return self._remember_images(annotator, pairs)

    def next_quad(self, annotator: str) -> QuadView | Wait:
        """Return the annotator's open four images to rank, or how long to wait for them."""
        return first_or_wait(self.quads_ahead(annotator, [], 1))

    def quads_ahead(self, annotator: str, have: Sequence[str], want: int) -> ItemsAhead[QuadView]:
        """Return up to `want` sets of four images besides those that the page has."""
        with hidden_details():
            quads = self._studio.quads_ahead(annotator, have, want)
        self._hide_reason(quads)
        return self._remember_images(annotator, quads)

    def vote(self, vote: NewVote, keep_winner: bool = False) -> AcceptedVote:
        """Record a vote, once per key; with `keep_winner` the better image comes again."""
        with hidden_details():
            accepted = self._studio.vote(vote, keep_winner)
        return self._remember_images(vote.annotator, accepted)

    def undo(self, annotator: str, key: str | None = None) -> UndoView:
        """Take back the annotator's latest act, and return it with a sentence about it."""
        with hidden_details():
            undone = self._studio.undo(annotator, key)
        return self._remember_images(annotator, undone)

    def own_votes_list(
        self, annotator: str, before: int = 0, verdict: str = "", prompt: str = ""
    ) -> OwnVotesList:
        """Return 24 of the annotator's own votes, newest first."""
        with hidden_details():
            votes = self._studio.own_votes_list(annotator, before, verdict, prompt)
        return self._remember_images(annotator, votes)

    def change_vote(self, annotator: str, vote_key: str, verdict: str, key: str) -> ChangedVote:
        """Give the annotator's own vote another verdict, or take it back with none."""
        with hidden_details():
            return self._studio.change_vote(annotator, vote_key, verdict, key)

    def stats(self, annotator: str | None = None) -> LabelingStats:
        """Count the votes of everybody together."""
        with hidden_details():
            return self._studio.stats(annotator)

    def notices(self) -> list[str]:
        """Return no notices: the state of the database concerns admins alone."""
        return []

    def activity(self) -> PublicActivity:
        """Return one sentence on whether pairs are ready, and nothing else of the activity."""
        with hidden_details():
            activity = self._studio.activity()
        ready, target = activity["pool"]["ready"], activity["pool"]["target"]
        if ready and ready >= target:
            return {"message": f"{ready} pairs ready."}
        return {"message": public_reason(activity)}

    def image(self, annotator: str, image_id: str) -> Path | None:
        """Return the file of an image that was assigned to this labeler; None for any other."""
        with self._guard:
            assigned = image_id in self._assigned.get(annotator, ())
        # The store knows the images of earlier votes, also from before the app was started.
        if not assigned and not self._people.was_shown(annotator, image_id):
            return None
        return self._studio.image_file(image_id)

    def _remember_images(self, annotator: str, answer: Answer) -> Answer:
        """Remember every image in an answer as assigned to the annotator; return the answer."""
        # Found in the JSON as it is sent, so that no field of an answer can be forgotten.
        with self._guard:
            assigned = self._assigned.setdefault(as_annotator(annotator), OrderedDict())
            for image_id in IMAGE_URL.findall(json.dumps(answer)):
                assigned[image_id] = None
                assigned.move_to_end(image_id)
            while len(assigned) > MAX_RECENT_IMAGES:
                assigned.popitem(last=False)
        return answer

    def _hide_reason(self, wait: Wait) -> None:
        """Replace the reason to wait, which may name a version or a run."""
        if wait["reason"] is not None:
            wait["reason"] = public_reason(self._studio.activity(), wait["wait_s"])


AnyStudio = Studio | LabelerView
"""The studio of an admin, or the labeler's view of it; the labeling stage works with both."""


def public_reason(activity: ActivityView, wait_s: float | None = None) -> str:
    """Return the reason why no pair is ready, without naming a model, a version or a run.

    With `wait_s` it says when there may be pairs while the model is learning.
    """
    if activity["pool"]["problem"] or activity["sampler"]["state"] == "failed":
        return RENDERING_FAILED
    if activity["run"] is None:
        return RENDERING
    # Sooner than a minute it is the sampler that renders, not the run that has the device.
    if wait_s is None or wait_s < SOON_S:
        return TRAINING
    return TRAINING_UNTIL.format(when=soon(wait_s))
