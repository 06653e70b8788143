"""A taste learned from the votes: which pair would teach most, and how much an image is to it."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from annotate.errors import InvalidRequest
from annotate.insights.attribute_store import ImageFeatureStore
from annotate.statistics.preference_model import MIN_VOTES, PreferenceModel, fit_preference_model
from storage.records import Image, Pair
from storage.store import Store

BY_CHANCE = 0.25
"""Of the pairs, those drawn by chance alone, so that rates can be estimated without bias."""
NEWS = 0.05
"""A taste is learned anew once there are so many more votes."""
EVERY_S = 2.0
SLOWEST_RETRY_S = 60.0
MEASURING_S = 0.5
PATIENT_S = 20.0
MOST_VOTES = 2000
SOON = 128
"""Of the pairs that wait, so many are measured: no pick looks further."""
REMEMBERED = 4000
VALUE, CHANCE, OLDEST = "value", "chance", "oldest"

logger = logging.getLogger(__name__)


Merits = Callable[[Sequence[Image]], list[float]]
Choice = tuple[str, float]
"""The rule that chose a pair, and how likely it was to."""


class ActiveLearner:
    """Learns a taste from the votes in the background, and picks pairs by it at once."""

    def __init__(
        self, store: Store, model_id: str, looks: ImageFeatureStore, chance: random.Random
    ) -> None:
        self._store, self._model_id, self._looks, self._chance = store, model_id, looks, chance
        self._taste: PreferenceModel | None = None
        self._known: dict[str, np.ndarray] = {}
        self._asked: Counter[str] = Counter()
        self._choices: dict[str, Choice] = {}
        self._learned_from = 0
        self._failures, self._logged = 0, ""
        self.problem: str | None = None
        """Why pairs are not chosen by what they would teach, as a sentence; None while they are."""
        self._learning, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="next pair", daemon=True)

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

        It is the oldest one while nothing can be learned: a person who labels never waits for that.
        """
        try:
            return self._pick(pairs)
        except Exception as error:
            self._failed(error)
            return self._chosen(pairs[0], (OLDEST, 1.0))

    def _pick(self, pairs: Sequence[Pair]) -> Pair:
        taste, known = self._taste, self._known
        fit = [pair for pair in pairs if pair.left in known and pair.right in known]
        if taste is None or self.problem or pairs[0].trial or not fit:
            return self._chosen(pairs[0], (OLDEST, 1.0))
        best = fit[int(np.argmax(self._values(taste, known, fit)))]
        by_chance = self._chance.random() < BY_CHANCE
        pair = self._chance.choice(pairs) if by_chance else best
        propensity = BY_CHANCE / len(pairs) + (1 - BY_CHANCE) * (pair is best)
        return self._chosen(pair, (CHANCE if by_chance else VALUE, propensity))

    def judge(self) -> Merits:
        """Return what says how much each image is to the taste that the votes show now.

        It stays the same taste whatever is voted later. Raises InvalidRequest where there is none.
        """
        self.learn()
        taste = self._taste
        if taste is None:
            raise InvalidRequest(
                f"The votes say nothing of a taste yet. From {MIN_VOTES} left or right votes on "
                "they can judge; vote on, or let a version judge."
            )

        def merits(images: Sequence[Image]) -> list[float]:
            looks, _ = self._looks.of([image.sha256 for image in images], PATIENT_S)
            found = taste.score(np.array([looks[image.sha256] for image in images]))
            return [float(merit) for merit in found]

        return merits

    def choice_of(self, pair_id: str) -> Choice | None:
        """How a pair that was handed out lately was chosen."""
        return self._choices.get(pair_id)

    def learn(self) -> None:
        """Measure the images that wait, and learn anew where there are new votes."""
        with self._learning:
            self._learn()

    def _learn(self) -> None:
        waiting = self._store.waiting_pairs(self._model_id, SOON)
        self._measure([p for pair in waiting for p in (pair.left, pair.right)])
        votes = self._store.counts(self._model_id).decisive
        if abs(votes - self._learned_from) < max(1, self._learned_from * NEWS):
            return
        given = self._store.quality.entries.newest_preferences(self._model_id, MOST_VOTES)
        known = self._measure([image for *sides, _ in given for image in sides])
        sides = [(won, lost) for won, lost, _ in given if won in known and lost in known]
        self._learned_from = votes
        self._asked = Counter(prompt for *_, prompt in given)
        won_lost = np.array([[known[image] for image in pair] for pair in sides])
        self._taste = fit_preference_model(won_lost[:, 0], won_lost[:, 1]) if sides else None

    def _measure(self, images: Sequence[str]) -> dict[str, np.ndarray]:
        """Return what is known of these images; what takes too long is for the next time."""
        new = [image for image in dict.fromkeys(images) if image not in self._known]
        files = self._store.image_hashes(new) if new else {}
        looks, _ = self._looks.of(files.values(), MEASURING_S) if files else ({}, 0)
        # A new dict, since `pick` may read the one before at this moment.
        found = {image: looks[sha] for image, sha in files.items() if sha in looks}
        self._known = dict(list((self._known | found).items())[-REMEMBERED * 4 :])
        return self._known

    def _values(
        self, taste: PreferenceModel, known: dict[str, np.ndarray], pairs: Sequence[Pair]
    ) -> np.ndarray:
        """What each pair would teach; less where its prompt was asked about often."""
        differences = np.array([known[pair.left] - known[pair.right] for pair in pairs])
        often = np.array([self._asked[pair.prompt] for pair in pairs])
        values: np.ndarray = taste.information_gain(differences) / np.sqrt(1.0 + often)
        return values

    def _chosen(self, pair: Pair, choice: Choice) -> Pair:
        self._choices.pop(pair.pair_id, None)
        self._choices[pair.pair_id] = choice
        while len(self._choices) > REMEMBERED:
            del self._choices[next(iter(self._choices))]
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
        return min(SLOWEST_RETRY_S, EVERY_S * float(2 ** min(self._failures, 10)))

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
