"""Quality-control pairs: repeats with sides swapped, and gold pairs with a known answer.

Without them careful votes could not be told from random ones where one person labels alone. They
look like any other pair, and nothing is learned from them.
"""

import random

from annotate.errors import InvalidRequest
from storage.records import Pair
from storage.store import Store
from storage.tables.control_pairs import GOLD, REPEAT

REPEAT_SHARE = "repeat_share"
GOLD_SHARE = "gold_share"
SHARES = {REPEAT_SHARE: 0.05, GOLD_SHARE: 0.05}
"""Project settings: the shares of repeats and of gold pairs among the pairs handed out."""
MAX_SHARE = 0.5
MIN_VOTES_AGO, MAX_VOTES_AGO = 20, 400
"""A pair is repeated after so many votes and before so many; sooner it would test memory."""


class QualityControl:
    """Issues repeats and gold pairs now and then, at random."""

    def __init__(self, store: Store, model_id: str, chance: random.Random) -> None:
        self._store, self._model_id, self._chance = store, model_id, chance
        self._shares = {name: self._read(name) for name in SHARES}

    @property
    def shares(self) -> dict[str, float]:
        """Return the shares of repeats and of gold pairs, from 0 to 1."""
        return dict(self._shares)

    def set_share(self, name: str, value: float, who: str) -> dict[str, float]:
        """Change a share for everybody; raises InvalidRequest."""
        if name not in SHARES:
            raise InvalidRequest(f"{name!r} is no share. Send one of {', '.join(SHARES)}.")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= MAX_SHARE:
            raise InvalidRequest(f"The share must be from 0 to {MAX_SHARE:g}, not {value!r}.")
        self._store.project_settings.set(name, float(value), who)
        self._shares[name] = float(value)
        return self.shares

    def maybe_issue(self, annotator: str) -> Pair | None:
        """Store a quality-control pair for this annotator and return it; None most of the time."""
        number = self._chance.random()
        repeat, gold = self._shares[REPEAT_SHARE], self._shares[GOLD_SHARE]
        if number < repeat:
            return self._repeat(annotator)
        if number < repeat + gold:
            return self._gold(annotator)
        return None

    def _repeat(self, annotator: str) -> Pair | None:
        control_pairs = self._store.quality.control_pairs
        candidates = control_pairs.repeatable(
            self._model_id, annotator, MIN_VOTES_AGO, MAX_VOTES_AGO
        )
        if not candidates:
            return None
        return control_pairs.add_copy(self._chance.choice(candidates), annotator, REPEAT, swap=True)

    def _gold(self, annotator: str) -> Pair | None:
        control_pairs = self._store.quality.control_pairs
        if not control_pairs.gold(self._model_id):
            return None
        candidates = control_pairs.unseen_gold(self._model_id, annotator)
        if not candidates:
            return None
        swap = self._chance.random() < 0.5
        return control_pairs.add_copy(self._chance.choice(candidates), annotator, GOLD, swap)

    def _read(self, name: str) -> float:
        # An older release, or a program, may have stored something else.
        value = self._store.project_settings.get(name, SHARES[name])
        usable = isinstance(value, int | float) and 0 <= value <= MAX_SHARE
        return float(value) if usable else SHARES[name]
