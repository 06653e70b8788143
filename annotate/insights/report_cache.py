"""What votes add up to, kept: asked again it is there, and a new vote is added to what is known.

InsightsCache ── VoteColumnCache   the votes as numbers, brought up to date by what is new
             ── quality  the statistics, without a store

Votes, undos, reports, remarks and known pairs are only ever appended, so the newest of each say
whether an answer still holds; it is never older than they are.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from annotate.insights.image_feature_store import ImageFeatureStore
from annotate.insights.summary import (
    MOST_SHARED,
    Source,
    told_boards,
    told_differs,
    told_habits,
    told_person,
    told_taste,
    told_votes,
)
from annotate.statistics import vote_tables
from annotate.statistics.bradley_terry import Match, leaderboards
from annotate.statistics.dawid_skene import Reliability, estimate_reliability
from annotate.statistics.image_pairs import ImagePairVotes
from annotate.statistics.side_bias import accuracy_from_repeats, consistency
from annotate.statistics.vote_columns import VoteColumnCache, VoteColumns
from storage.records import QUESTIONS
from storage.store import Store

Moment = tuple[int | None, ...]
Told = dict[str, Any]
T = TypeVar("T")

MOST_KEPT = 64
"""Answers that are kept, those asked last; one takes some 50 kB."""
FEWEST_REPEATS = 10
"""Repeats that both were decisive; with fewer they prove nothing about a person."""


@dataclass
class Known:
    """Everything that was added up at one moment."""

    moment: Moment
    votes: VoteColumns
    units: ImagePairVotes
    answers: OrderedDict[tuple[str, str | None], Any] = field(default_factory=OrderedDict)


class InsightsCache:
    """Adds up the votes on a model's pairs; callers at the same time share one computation."""

    def __init__(self, store: Store, model_id: str, features: ImageFeatureStore) -> None:
        self._store, self._model_id, self._image_features = store, model_id, features
        entries = store.quality.entries
        self._columns = VoteColumnCache(
            lambda after, most: entries.after(model_id, after, most),
            lambda: entries.hidden(model_id),
            features.rows_of,
        )
        self._known: Known | None = None
        self._adding_up = threading.Lock()

    def report(self, person: str | None, within_s: float) -> tuple[Told, Told]:
        """Return what is said of one person's votes or of everybody's, and how many images are
        measured; nobody may change it.
        """
        return self._measured("report", person, within_s, self._report)

    def own(self, person: str, within_s: float) -> tuple[Told, Told]:
        """Return what a person's votes say without those of others, and the same."""
        return self._measured("own", person, within_s, self._own)

    def reliable(self) -> tuple[dict[str, Reliability], dict[str, float]]:
        """Return how far people can be relied on by what others say, and by what they say twice."""
        with self._adding_up:
            return self._answer(self._now(), ("reliable", None), self._reliability)

    def _measured(
        self, kind: str, person: str | None, within_s: float, work: Callable[[Source], Told]
    ) -> tuple[Told, Told]:
        with self._adding_up:
            known = self._now()
            looked_at = self._looked_at(known, kind, person)
        # Not within the lock: others may be answered while images are measured.
        left = self._image_features.measure(looked_at, within_s)
        with self._adding_up:
            answer = self._answer(
                known, (kind, person), lambda one: work(self._source(one, person)), left == 0
            )
        return answer, {"left": left, "of": len(looked_at)}

    def _looked_at(self, known: Known, kind: str, person: str | None) -> np.ndarray:
        """The rows of the images that are to be measured."""

        def rows(one: Known) -> np.ndarray:
            votes = one.votes.of(person if kind == "own" else None)
            return np.unique(np.concatenate([votes.first_image, votes.second_image]))

        return self._answer(known, ("images", person if kind == "own" else None), rows)

    def _now(self) -> Known:
        """What is known of the votes as they are now."""
        moment = self._store.quality.entries.newest_ids()
        if self._known is None or self._known.moment != moment:
            votes = self._columns.columns()
            self._known = Known(moment, votes, ImagePairVotes.of(votes))
        return self._known

    def _answer(
        self,
        known: Known,
        name: tuple[str, str | None],
        work: Callable[[Known], T],
        lasting: bool = True,
    ) -> T:
        """Return what was found before, or find it, and keep it if it is `lasting`."""
        if name in known.answers:
            known.answers.move_to_end(name)
            kept: T = known.answers[name]
            return kept
        found = work(known)
        if lasting:
            known.answers[name] = found
        while len(known.answers) > MOST_KEPT:
            known.answers.popitem(last=False)
        return found

    def _source(self, known: Known, person: str | None) -> Source:
        gold = self._store.quality.entries.gold(self._model_id)
        return Source(known.votes, known.units, person, gold, self._image_features.features())

    def _report(self, source: Source) -> Told:
        reasons = self._store.quality.reasons(self._model_id)
        told = {
            "people": vote_tables.people_by_votes(source.votes)
            if source.person is None
            else [source.person],
            **told_votes(source, reasons),
            **told_habits(source),
            "boards": told_boards(leaderboards(list(self._matches(source.person)))),
            "likes": told_taste(source),
            "differs": told_differs(source),
        }
        source.example_pairs.fill(self._store.quality.entries.shown)
        return told

    def _own(self, source: Source) -> Told:
        assert source.person is not None
        reasons, habits = self._store.quality.reasons(self._model_id), {}
        if len(source.mine):
            habits = {source.person: told_person(source.mine, source.gold)}
        told = {
            "people": [source.person],
            **told_votes(source, reasons),
            "habits": habits,
            "likes": told_taste(source),
        }
        source.example_pairs.fill(self._store.quality.entries.shown)
        return told

    def _reliability(self, known: Known) -> tuple[dict[str, Reliability], dict[str, float]]:
        votes = known.votes.where(~known.votes.trial)
        people, _ = estimate_reliability(ImagePairVotes.of(votes).decisions(MOST_SHARED))
        return people, proved(votes)

    def _matches(self, person: str | None) -> Iterable[Match]:
        scores = {"after": 1.0, "before": 0.0, "tie": 0.5}
        for trial in self._store.blind_tests.of_base(self._model_id):
            for vote in self._store.blind_tests.votes(trial.trial_id):
                asked = vote.question == QUESTIONS[0] and vote.result in scores
                if asked and person in (None, vote.annotator):
                    yield Match(trial.after, trial.before, scores[vote.result], vote.prompt)


def proved(votes: VoteColumns) -> dict[str, float]:
    """The accuracy that repeats prove for people, by the lower end of the interval."""
    found = {}
    for name in vote_tables.people_by_votes(votes):
        twice = consistency(vote_tables.repeated_pairs(votes.of(name)))
        if twice.same.of >= FEWEST_REPEATS:
            found[name] = accuracy_from_repeats(twice.same.low)
    return found
