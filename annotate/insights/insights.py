"""Insights: habits, likings and reliability of annotators, and what is done about them.

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
from annotate.labeling.quality_control import GOLD_SHARE, REPEAT_SHARE, QualityControl
from annotate.statistics.dawid_skene import Reliability, vote_weights
from annotate.validation import as_annotator, as_text
from annotate.views.vote_insights import InsightsView, OwnVotesView
from annotate.views.voting_habits import ExclusionView, QualitySettingsView, WeightView
from annotate.wording import percent
from storage.store import Store

WEIGH = "weigh_votes"
"""Project setting: whether people's votes count by their reliability."""
QUICK_S, PATIENT_S = 0.8, 1.2
"""Seconds for measuring images while a page or a program waits."""


class Insights:
    """Insights into a studio's votes: of one `person`, or of everybody with None."""

    def __init__(
        self, store: Store, model_id: str, chance: random.Random, clock: Monotonic
    ) -> None:
        self._store, self._model_id = store, model_id
        self.image_features = ImageFeatureStore(store, clock)
        self._kept = InsightsCache(store, model_id, self.image_features)
        self.quality_control = QualityControl(store, model_id, chance)
        self.pace_hints = PaceHints()

    def report(self, person: str | None = None, within_s: float = QUICK_S) -> InsightsView:
        """Return the whole report as JSON values.

        `measuring` counts the images not measured yet; a later call goes on with them. A report
        that is asked for again comes from the cache while it holds.
        """
        name = as_annotator(person) if person else None
        votes, left = self._kept.report(name, within_s)

        # Weights and exclusions change without votes, so that they are never cached.
        return {
            "person": name,
            **votes,
            "weights": {
                annotator: weight
                for annotator, weight in self._weights().items()
                if annotator in votes["habits"]
            },
            "exclusions": self._exclusions(name),
            "settings": self.settings(),
            "measuring": left,
        }

    def own(self, person: str) -> OwnVotesView:
        """Return the report on a person's own votes, without others and without versions."""
        name = as_annotator(person)
        votes, left = self._kept.own(name, QUICK_S)
        return {"person": name, **votes, "measuring": left}

    def settings(self) -> QualitySettingsView:
        """Return the shares of quality-control pairs, and whether votes are weighted."""
        shares = self.quality_control.shares
        weighed = self._store.project_settings.get(WEIGH, True)
        return {
            "repeat_share": shares[REPEAT_SHARE],
            "gold_share": shares[GOLD_SHARE],
            "weigh_votes": weighed is not False,
        }

    def change(self, name: str, value: Any, who: str) -> QualitySettingsView:
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
        """Record the weight of everybody's votes from now on, each with its reason."""
        known = self._store.quality.weights(self._model_id)
        found: dict[str, tuple[float, str]] = {}
        if self.settings()["weigh_votes"]:
            found = self._found_weights()
        whole = (1.0, "Nothing speaks against counting these votes in full.")
        # Weights are only appended; one that no longer holds is replaced by a full one.
        stale = {name: whole for name in known if name not in found}
        self._store.quality.set_weights(self._model_id, stale | found, "palate")

    def exclude(
        self, reason: str, who: str, *, person: str = "", vote_id: int | None = None
    ) -> list[ExclusionView]:
        """Exclude a person's votes or one vote from training, and return all exclusions.

        Raises storage's InvalidExclusion.
        """
        whose = as_annotator(person) if vote_id is None else None
        self._store.quality.exclude(
            self._model_id, as_text(reason, "The reason"), who, annotator=whose, vote_id=vote_id
        )
        return self._exclusions(None)

    def lift(self, exclusion_id: int, who: str) -> list[ExclusionView]:
        """End an exclusion, and return them all; raises storage's InvalidExclusion."""
        self._store.quality.lift(self._model_id, exclusion_id, who)
        return self._exclusions(None)

    def mark_gold(self, pair_id: str, better: str, who: str) -> dict[str, str]:
        """Make a pair a gold pair whose left or right image is better, or "" for no gold pair.

        Returns the better image of each gold pair. Raises UnknownPair or InvalidRequest.
        """
        pair = self._store.pair(as_text(pair_id, "The pair_id"))
        winners = {"left": pair.left, "right": pair.right, "": ""}
        if better not in winners:
            raise InvalidRequest(f"The better side is left, right or empty, not {better!r}.")
        self._store.quality.control_pairs.mark_gold(
            self._model_id, pair.pair_id, winners[better], who
        )
        return self._store.quality.control_pairs.gold(self._model_id)

    def _found_weights(self) -> dict[str, tuple[float, str]]:
        people, proved = self._kept.reliable()
        found = vote_weights(people, proved)
        accuracies = sorted(person.accuracy for person in people.values())
        median = accuracies[len(accuracies) // 2] if accuracies else 0
        return {name: (weight, reason_of(people[name], median)) for name, weight in found.items()}

    def _weights(self) -> dict[str, WeightView]:
        return {
            name: {
                "weight": given.weight,
                "reason": given.reason,
                "since": given.created.isoformat(),
            }
            for name, given in self._store.quality.weights(self._model_id).items()
        }

    def _exclusions(self, person: str | None) -> list[ExclusionView]:
        return [
            {
                "exclusion": exclusion.exclusion_id,
                "person": exclusion.annotator,
                "vote": exclusion.vote_id,
                "reason": exclusion.reason,
                "who": exclusion.who,
                "since": exclusion.created.isoformat(),
                "lifted": exclusion.lifted.isoformat() if exclusion.lifted else None,
            }
            for exclusion in self._store.quality.exclusions(self._model_id)
            if person is None or exclusion.annotator == person
        ]


def reason_of(person: Reliability, median: float) -> str:
    """Return the sentence that explains the weight of a person's votes."""
    accuracy = f"{percent(person.accuracy)} ({100 * person.low:.0f} to {100 * person.high:.0f})"
    return (
        f"On {person.shared} votes that others gave too, names the image held for the better one "
        f"{accuracy} of the time; the middle person {percent(median)}."
    )
