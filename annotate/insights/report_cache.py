"""Cache of the insights: answers are kept, and a new vote is added to what is known.

InsightsCache ── VoteColumnCache  the votes as columns, extended by what is new
              ── statistics       computed on them, without a store

Votes, undos, flags, annotations and gold pairs are only ever appended, so that the newest id of
each says whether an answer still holds; an answer is never older than they are.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from annotate.insights.habits import MAX_SHARED_PAIRS, describe_annotator, describe_habits
from annotate.insights.image_feature_store import ImageFeatureStore
from annotate.insights.report_source import ReportSource
from annotate.insights.summary import (
    describe_differences,
    describe_leaderboards,
    describe_likings,
    describe_votes,
)
from annotate.statistics import vote_tables
from annotate.statistics.bradley_terry import Match, leaderboards
from annotate.statistics.dawid_skene import Reliability, estimate_reliability
from annotate.statistics.image_pairs import ImagePairVotes
from annotate.statistics.side_bias import accuracy_from_repeats, consistency
from annotate.statistics.vote_columns import VoteColumnCache, VoteColumns
from annotate.views.vote_insights import MeasuringView, OwnVoteReport, VoteReport
from annotate.views.voting_habits import HabitView
from storage.records import QUESTIONS
from storage.store import Store

Moment = tuple[int | None, ...]
T = TypeVar("T")

MAX_ANSWERS = 64
"""Answers kept, the most recently asked ones; each takes some 50 kB."""
MIN_REPEATS = 10
"""Repeated pairs with two decisive votes, below which they prove nothing about a person."""


@dataclass
class VoteAnalysis:
    """The votes of one moment, and the answers computed from them."""

    moment: Moment
    votes: VoteColumns
    units: ImagePairVotes
    answers: OrderedDict[tuple[str, str | None], Any] = field(default_factory=OrderedDict)


class InsightsCache:
    """Insights into the votes on a model's pairs, computed once for all callers.

    Safe from any thread.
    """

    def __init__(self, store: Store, model_id: str, features: ImageFeatureStore) -> None:
        self._store, self._model_id, self._image_features = store, model_id, features
        entries = store.quality.entries
        self._columns = VoteColumnCache(
            lambda after, most: entries.after(model_id, after, most),
            lambda: entries.hidden(model_id),
            features.rows_of,
        )
        self._analysis: VoteAnalysis | None = None
        self._computing = threading.Lock()

    def report(self, person: str | None, within_s: float) -> tuple[VoteReport, MeasuringView]:
        """Return the report on one person's votes or on everybody's, and the images measured.

        Nobody may change the report: it is kept.
        """
        return self._measured("report", person, within_s, self._report)

    def own(self, person: str, within_s: float) -> tuple[OwnVoteReport, MeasuringView]:
        """Return the report on a person's own votes, and the images measured."""
        return self._measured("own", person, within_s, self._own)

    def reliable(self) -> tuple[dict[str, Reliability], dict[str, float]]:
        """Return everybody's reliability by the votes of others, and by repeats of their own."""
        with self._computing:
            return self._answer(self._current(), ("reliable", None), self._reliability)

    def _measured(
        self,
        kind: str,
        person: str | None,
        within_s: float,
        work: Callable[[ReportSource], T],
    ) -> tuple[T, MeasuringView]:
        with self._computing:
            known = self._current()
            rows = self._image_rows(known, kind, person)

        # Without the lock: others may be answered while images are measured.
        left = self._image_features.measure(rows, within_s)

        with self._computing:
            answer = self._answer(
                known,
                (kind, person),
                lambda analysis: work(self._source(analysis, person)),
                left == 0,
            )
        return answer, {"left": left, "of": len(rows)}

    def _image_rows(self, known: VoteAnalysis, kind: str, person: str | None) -> np.ndarray:
        """Return the feature rows of all images that the answer is about."""

        def rows(analysis: VoteAnalysis) -> np.ndarray:
            votes = analysis.votes.of(person if kind == "own" else None)
            return np.unique(np.concatenate([votes.first_image, votes.second_image]))

        return self._answer(known, ("images", person if kind == "own" else None), rows)

    def _current(self) -> VoteAnalysis:
        """Return the analysis of the votes as they are now."""
        moment = self._store.quality.entries.newest_ids()
        if self._analysis is None or self._analysis.moment != moment:
            votes = self._columns.columns()
            self._analysis = VoteAnalysis(moment, votes, ImagePairVotes.of(votes))
        return self._analysis

    def _answer(
        self,
        known: VoteAnalysis,
        name: tuple[str, str | None],
        work: Callable[[VoteAnalysis], T],
        lasting: bool = True,
    ) -> T:
        """Return a kept answer, or compute it and keep it if it is `lasting`.

        An answer is not lasting while images are still to be measured.
        """
        if name in known.answers:
            known.answers.move_to_end(name)
            kept: T = known.answers[name]
            return kept

        found = work(known)
        if lasting:
            known.answers[name] = found
        # The oldest answers go: nobody asked for them lately.
        while len(known.answers) > MAX_ANSWERS:
            known.answers.popitem(last=False)
        return found

    def _source(self, known: VoteAnalysis, person: str | None) -> ReportSource:
        gold = self._store.quality.entries.gold(self._model_id)
        return ReportSource(known.votes, known.units, person, gold, self._image_features.features())

    def _report(self, source: ReportSource) -> VoteReport:
        reasons = self._store.quality.reasons(self._model_id)
        report: VoteReport = {
            "people": vote_tables.people_by_votes(source.votes)
            if source.person is None
            else [source.person],
            **describe_votes(source, reasons),
            **describe_habits(source),
            "boards": describe_leaderboards(leaderboards(list(self._matches(source.person)))),
            "likes": describe_likings(source),
            "differs": describe_differences(source),
        }

        source.example_pairs.fill(self._store.quality.entries.shown)
        return report

    def _own(self, source: ReportSource) -> OwnVoteReport:
        assert source.person is not None
        reasons = self._store.quality.reasons(self._model_id)
        habits: dict[str, HabitView] = {}
        if len(source.mine):
            habits[source.person] = describe_annotator(source.mine, source.gold)
        report: OwnVoteReport = {
            "people": [source.person],
            **describe_votes(source, reasons),
            "habits": habits,
            "likes": describe_likings(source),
        }

        source.example_pairs.fill(self._store.quality.entries.shown)
        return report

    def _reliability(self, known: VoteAnalysis) -> tuple[dict[str, Reliability], dict[str, float]]:
        votes = known.votes.where(~known.votes.trial)
        people, _ = estimate_reliability(ImagePairVotes.of(votes).decisions(MAX_SHARED_PAIRS))
        return people, proved_accuracies(votes)

    def _matches(self, person: str | None) -> Iterable[Match]:
        scores = {"after": 1.0, "before": 0.0, "tie": 0.5}
        for trial in self._store.blind_tests.of_base(self._model_id):
            for vote in self._store.blind_tests.votes(trial.trial_id):
                # The other two questions ask for parts of "better", not for better.
                asked = vote.question == QUESTIONS[0] and vote.result in scores
                if asked and person in (None, vote.annotator):
                    yield Match(trial.after, trial.before, scores[vote.result], vote.prompt)


def proved_accuracies(votes: VoteColumns) -> dict[str, float]:
    """Return the accuracy that repeats prove for each person: that of the interval's lower end."""
    found = {}
    for name in vote_tables.people_by_votes(votes):
        twice = consistency(vote_tables.repeated_pairs(votes.of(name)))
        if twice.same.of >= MIN_REPEATS:
            found[name] = accuracy_from_repeats(twice.same.low)
    return found
