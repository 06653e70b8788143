"""Active learning: fit a preference model to the votes and show the most informative pair next."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from annotate.errors import InvalidRequest
from annotate.insights.image_feature_store import ImageFeatureStore
from annotate.statistics.preference_model import (
    MIN_VOTES,
    PreferenceModel,
    fit_preference_model,
)
from storage.acts import Selection
from storage.records import Image, Pair
from storage.store import Store

RANDOM_SHARE = 0.25
"""The share of pairs picked uniformly at random, so that rates can be estimated without bias."""
RELEARN_FRACTION = 0.05
"""The model is fitted again once there are so many more votes than it was fitted to."""
CHECK_INTERVAL_S = 2.0
SLOWEST_RETRY_S = 60.0
MEASURING_S = 0.5
"""The time for measuring images in one round, after which new votes are looked for again."""
SCORING_TIMEOUT_S = 20.0
MAX_VOTES = 2000
"""The newest votes that the model is fitted to."""
CANDIDATE_LIMIT = 128
"""Waiting pairs whose images are measured ahead: no pick looks further."""
MAX_SELECTIONS = 4000
MAX_FEATURES = 4 * MAX_SELECTIONS
"""Images whose features are held, the newest ones; 160 bytes each."""
VALUE, CHANCE, OLDEST = "value", "chance", "oldest"
"""Selection rules, as votes record them: most informative, at random, first come first served."""

logger = logging.getLogger(__name__)

ImageScorer = Callable[[Sequence[Image]], list[float]]


class ActiveLearner:
    """Fits a preference model in the background, and picks pairs by it at once."""

    def __init__(
        self, store: Store, model_id: str, features: ImageFeatureStore, chance: random.Random
    ) -> None:
        self._store, self._model_id = store, model_id
        self._image_features, self._chance = features, chance
        self._model: PreferenceModel | None = None
        self._known: dict[str, np.ndarray] = {}
        self._votes_on_prompt: Counter[str] = Counter()
        self._selections: dict[str, Selection] = {}
        self._learned_from = 0

        self._failures, self._logged = 0, ""
        self.problem: str | None = None
        """Why pairs are not picked by information gain, as a sentence; None while they are."""
        self._learning, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="active learning", daemon=True)

    def start(self) -> None:
        """Start learning."""
        self._thread.start()

    def close(self) -> None:
        """Stop learning."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def pick(self, pairs: Sequence[Pair]) -> Pair:
        """Return the pair to show next; quick, as others wait for it.

        It is the oldest one while nothing can be learned: a labeler never waits for that.
        """
        try:
            return self._pick(pairs)
        except Exception as error:
            self._failed(error)
            return self._select(pairs[0], Selection(OLDEST, 1.0))

    def _pick(self, pairs: Sequence[Pair]) -> Pair:
        model, known = self._model, self._known
        candidates = [pair for pair in pairs if pair.left in known and pair.right in known]
        if model is None or self.problem or pairs[0].trial or not candidates:
            return self._select(pairs[0], Selection(OLDEST, 1.0))

        best = candidates[int(np.argmax(self._values(model, known, candidates)))]
        at_random = self._chance.random() < RANDOM_SHARE
        pair = self._chance.choice(pairs) if at_random else best
        # Any pair may come at random; the best one comes either way.
        propensity = RANDOM_SHARE / len(pairs) + (1 - RANDOM_SHARE) * (pair is best)
        return self._select(pair, Selection(CHANCE if at_random else VALUE, propensity))

    def scorer(self) -> ImageScorer:
        """Return what scores images by the preferences that the votes show now.

        It stays the same scorer whatever is voted later. Raises InvalidRequest from too few votes.
        """
        self.learn()
        model = self._model
        if model is None:
            raise InvalidRequest(
                f"The votes say nothing of a taste yet. From {MIN_VOTES} left or right votes on "
                "they can judge; vote on, or let a version judge."
            )

        def score(images: Sequence[Image]) -> list[float]:
            files = [image.sha256 for image in images]
            features, _ = self._image_features.features_of(files, SCORING_TIMEOUT_S)
            scores = model.score(np.array([features[sha256] for sha256 in files]))
            return [float(value) for value in scores]

        return score

    def selection_of(self, pair_id: str) -> Selection | None:
        """Return how a pair that was handed out lately was selected."""
        return self._selections.get(pair_id)

    def learn(self) -> None:
        """Measure images of waiting pairs, and fit the model again where there are new votes."""
        with self._learning:
            self._learn()

    def _learn(self) -> None:
        waiting = self._store.waiting_pairs(self._model_id, CANDIDATE_LIMIT)
        self._measure([image for pair in waiting for image in (pair.left, pair.right)])
        votes = self._store.counts(self._model_id).decisive
        if abs(votes - self._learned_from) < max(1, self._learned_from * RELEARN_FRACTION):
            return

        given = self._store.quality.entries.newest_preferences(self._model_id, MAX_VOTES)
        known = self._measure([image for *sides, _ in given for image in sides])
        sides = [(won, lost) for won, lost, _ in given if won in known and lost in known]
        self._learned_from = votes
        self._votes_on_prompt = Counter(prompt for *_, prompt in given)
        won_lost = np.array([[known[image] for image in pair] for pair in sides])
        self._model = fit_preference_model(won_lost[:, 0], won_lost[:, 1]) if sides else None

    def _measure(self, images: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the known features, these images' among them as far as the time suffices."""
        known = self._known
        new = [image for image in dict.fromkeys(images) if image not in known]
        files = self._store.image_hashes(new) if new else {}
        features, _ = (
            self._image_features.features_of(files.values(), MEASURING_S) if files else ({}, 0)
        )
        found = {image: features[sha] for image, sha in files.items() if sha in features}
        if found:
            # A new dict, since `pick` may read the one before at this moment.
            self._known = dict(list((known | found).items())[-MAX_FEATURES:])
        return self._known

    def _values(
        self, model: PreferenceModel, known: dict[str, np.ndarray], pairs: Sequence[Pair]
    ) -> np.ndarray:
        """Return the information gain of each pair, discounted by the votes on its prompt.

        The discount keeps one prompt that the model finds hard from taking all votes.
        """
        differences = np.array([known[pair.left] - known[pair.right] for pair in pairs])
        votes = np.array([self._votes_on_prompt[pair.prompt] for pair in pairs])
        values: np.ndarray = model.information_gain(differences) / np.sqrt(1.0 + votes)
        return values

    def _select(self, pair: Pair, selection: Selection) -> Pair:
        self._selections.pop(pair.pair_id, None)
        self._selections[pair.pair_id] = selection
        while len(self._selections) > MAX_SELECTIONS:
            del self._selections[next(iter(self._selections))]
        return pair

    def _work(self) -> None:
        while not self._closing.wait(self._pause()):
            try:
                self.learn()
            except Exception as error:
                self._failed(error)
            else:
                self._failures, self.problem = 0, None

    def _pause(self) -> float:
        return min(SLOWEST_RETRY_S, CHECK_INTERVAL_S * float(2 ** min(self._failures, 10)))

    def _failed(self, error: Exception) -> None:
        """Log a failure unless it is the one logged before, and learn everything anew next time."""
        reason = f"{type(error).__name__}: {error}".rstrip(". ")
        problem = (
            f"Pairs come in the order in which they were made, not by what they would teach "
            f"({reason}). It is tried again by itself; the log in the terminal says more."
        )
        if problem != self._logged:
            logger.error("no taste can be learned for choosing pairs", exc_info=error)
        self._logged = problem
        self._failures, self._learned_from, self.problem = self._failures + 1, 0, problem
