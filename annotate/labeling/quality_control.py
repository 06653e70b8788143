"""Pairs that a person is asked on purpose: one of theirs again with sides swapped, or a known one.

Without them nobody's votes could be told from chance where one person labels alone. They look like
any other pair, and teach nothing.
"""

import random

from annotate.errors import InvalidRequest
from storage.records import Pair
from storage.store import Store
from storage.tables.control_pairs import GOLD, REPEAT

REPEAT_SHARE = "repeat_share"
GOLD_SHARE = "gold_share"
SHARES = {REPEAT_SHARE: 0.05, GOLD_SHARE: 0.05}
"""Project settings: of the pairs handed out, those that are asked again, and those known."""
MOST = 0.5
AFTER, UNTIL = 20, 400
"""A pair comes again after so many votes, while it is not longer ago than so many."""


class QualityControl:
    """Decides now and then that a person is asked on purpose."""

    def __init__(self, store: Store, model_id: str, chance: random.Random) -> None:
        self._store, self._model_id, self._chance = store, model_id, chance
        self._shares = {name: self._read(name) for name in SHARES}

    @property
    def shares(self) -> dict[str, float]:
        """How many of the pairs handed out are repeats and gold, from 0 to 1."""
        return dict(self._shares)

    def set_share(self, name: str, value: float, who: str) -> dict[str, float]:
        """Change a share for everybody; raises InvalidRequest."""
        if name not in SHARES:
            raise InvalidRequest(f"{name!r} is no share. Send one of {', '.join(SHARES)}.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
            raise InvalidRequest(f"The share must be from 0 to {MOST:g}, not {value!r}.")
        self._store.project_settings.set(name, float(value), who)
        self._shares[name] = float(value)
        return self.shares

    def maybe_issue(self, annotator: str) -> Pair | None:
        """Return a pair to ask this person on purpose; None most of the time."""
        drawn = self._chance.random()
        repeat, gold = self._shares[REPEAT_SHARE], self._shares[GOLD_SHARE]
        if drawn < repeat:
            return self._repeat(annotator)
        if drawn < repeat + gold:
            return self._gold(annotator)
        return None

    def _repeat(self, annotator: str) -> Pair | None:
        checks = self._store.quality.control_pairs
        known = checks.repeatable(self._model_id, annotator, AFTER, UNTIL)
        if not known:
            return None
        return checks.add_copy(self._chance.choice(known), annotator, REPEAT, swap=True)

    def _gold(self, annotator: str) -> Pair | None:
        checks = self._store.quality.control_pairs
        if not checks.gold(self._model_id):
            return None
        known = checks.unseen_gold(self._model_id, annotator)
        if not known:
            return None
        swap = self._chance.random() < 0.5
        return checks.add_copy(self._chance.choice(known), annotator, GOLD, swap)

    def _read(self, name: str) -> float:
        value = self._store.project_settings.get(name, SHARES[name])
        usable = isinstance(value, int | float) and 0 <= value <= MOST
        return float(value) if usable else SHARES[name]
