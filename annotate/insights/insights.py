"""Insights: what votes say about how they were given and what they like, and what is done about it.

Insights ── InsightsCache    statistics of the votes, computed once ── ImageFeatureStore
         ── QualityControl   repeats and gold pairs
         ── PaceHints        hints to slow down
"""

import random
from typing import Any

from annotate.clock import Monotonic
from annotate.errors import InvalidRequest
from annotate.insights.image_feature_store import ImageFeatureStore
from annotate.insights.report_cache import InsightsCache
from annotate.labeling.pace_hints import PaceHints
from annotate.labeling.quality_control import QualityControl
from annotate.statistics.dawid_skene import Reliability, vote_weights
from annotate.validation import as_annotator, as_text
from storage.store import Store

WEIGH = "weigh_votes"
"""Project setting: whether people's votes count by how far they can be relied on."""
QUICK_S, PATIENT_S = 0.8, 1.2
"""How long images are measured for while a page or a program waits."""


class Insights:
    """Answers about a studio's votes; a `person` sees what is said of them, None everything."""

    def __init__(
        self, store: Store, model_id: str, chance: random.Random, clock: Monotonic
    ) -> None:
        self._store, self._model_id = store, model_id
        self.image_features = ImageFeatureStore(store, clock)
        self._kept = InsightsCache(store, model_id, self.image_features)
        self.quality_control = QualityControl(store, model_id, chance)
        self.pace_hints = PaceHints()

    def report(self, person: str | None = None, within_s: float = QUICK_S) -> dict[str, Any]:
        """Return everything, in values that JSON can hold.

        `measuring` says how many images are not measured yet; a later call goes on with them.
        Nothing is added up twice: what is asked again is answered from before while it holds.
        """
        name = as_annotator(person) if person else None
        votes, left = self._kept.report(name, within_s)
        return {
            "person": name,
            **votes,
            "weights": {one: weight for one, weight in self._weights().items()
                        if one in votes["habits"]},
            "exclusions": self._exclusions(name),
            "settings": self.settings(),
            "measuring": left,
        }  # fmt: skip

    def own(self, person: str) -> dict[str, Any]:
        """Return what a person's own votes say, and nothing that others or versions tell."""
        name = as_annotator(person)
        votes, left = self._kept.own(name, QUICK_S)
        return {"person": name, **votes, "measuring": left}

    # What is done about it

    def settings(self) -> dict[str, Any]:
        """Return how often people are asked on purpose, and whether votes are weighed."""
        weighed = self._store.project_settings.get(WEIGH, True)
        return {**self.quality_control.shares, WEIGH: weighed is not False}

    def change(self, name: str, value: Any, who: str) -> dict[str, Any]:
        """Change a setting for everybody and return them all; raises InvalidRequest."""
        if name != WEIGH:
            self.quality_control.set_share(name, value, who)
            return self.settings()
        if not isinstance(value, bool):
            raise InvalidRequest(f"{WEIGH} must be true or false, not {value!r}.")
        self._store.project_settings.set(WEIGH, value, who)
        self.weigh()
        return self.settings()

    def weigh(self) -> None:
        """Record how much everybody's votes count from now on, each with its reason."""
        known = self._store.quality.weights(self._model_id)
        found: dict[str, tuple[float, str]] = {}
        if self.settings()[WEIGH]:
            found = self._found_weights()
        whole = (1.0, "Nothing speaks against counting these votes in full.")
        stale = {name: whole for name in known if name not in found}
        self._store.quality.set_weights(self._model_id, stale | found, "palate")

    def exclude(
        self, reason: str, who: str, *, person: str = "", vote_id: int | None = None
    ) -> list[dict[str, Any]]:
        """Learn nothing from a person's votes or from one vote, and return all exclusions.

        Raises storage's InvalidExclusion.
        """
        whose = as_annotator(person) if vote_id is None else None
        self._store.quality.exclude(
            self._model_id, as_text(reason, "The reason"), who, annotator=whose, vote_id=vote_id
        )
        return self._exclusions(None)

    def lift(self, exclusion_id: int, who: str) -> list[dict[str, Any]]:
        """End an exclusion, and return them all; raises storage's InvalidExclusion."""
        self._store.quality.lift(self._model_id, exclusion_id, who)
        return self._exclusions(None)

    def mark_gold(self, pair_id: str, better: str, who: str) -> dict[str, str]:
        """Say that the left or the right image of a pair is better for certain, or "" for unsure.

        Returns the better image of each such pair. Raises UnknownPair or InvalidRequest.
        """
        pair = self._store.pair(as_text(pair_id, "The pair_id"))
        winners = {"left": pair.left, "right": pair.right, "": ""}
        if better not in winners:
            raise InvalidRequest(f"The better side is left, right or empty, not {better!r}.")
        self._store.quality.control_pairs.mark_gold(
            self._model_id, pair.pair_id, winners[better], who
        )
        return self._store.quality.control_pairs.gold(self._model_id)

    # Where it comes from

    def _found_weights(self) -> dict[str, tuple[float, str]]:
        people, proved = self._kept.reliable()
        found = vote_weights(people, proved)
        middle = sorted(one.accuracy for one in people.values())[len(people) // 2] if people else 0
        return {name: (weight, reason_of(people[name], middle)) for name, weight in found.items()}

    def _weights(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"weight": one.weight, "reason": one.reason, "since": one.created.isoformat()}
            for name, one in self._store.quality.weights(self._model_id).items()
        }

    def _exclusions(self, person: str | None) -> list[dict[str, Any]]:
        return [
            {
                "exclusion": one.exclusion_id,
                "person": one.annotator,
                "vote": one.vote_id,
                "reason": one.reason,
                "who": one.who,
                "since": one.created.isoformat(),
                "lifted": one.lifted.isoformat() if one.lifted else None,
            }
            for one in self._store.quality.exclusions(self._model_id)
            if person is None or one.annotator == person
        ]


def reason_of(person: Reliability, middle: float) -> str:
    """Say why somebody's votes count as much as they do."""
    percent = f"{100 * person.accuracy:.0f} % ({100 * person.low:.0f} to {100 * person.high:.0f})"
    return (
        f"On {person.shared} votes that others gave too, names the image held for the better one "
        f"{percent} of the time; the middle person {100 * middle:.0f} %."
    )
