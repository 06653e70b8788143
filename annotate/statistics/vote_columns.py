"""Votes as columns of numbers, so that 100,000 of them are added up in milliseconds.

`Ledger` takes in what was recorded since it was last asked, and nothing twice; `Columns` are the
current votes of one moment, or some of them.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np

SAID = ("left", "right", "tie", "both_good", "both_bad", "skip")
LEFT, RIGHT, TIE, BOTH_GOOD, BOTH_BAD, SKIP = range(len(SAID))
CHECKS = (None, "repeat", "gold")
NEITHER, REPEAT, GOLD = range(len(CHECKS))
NONE = -1
AT_ONCE = 10_000
"""Votes read in one go, so that no query and no list of rows is long."""


class Entry(Protocol):
    """What is read of a vote, or of an undo; storage's `Entry` is one.

    The two images of a vote have a fixed order, whichever side each was on.
    """

    @property
    def vote_id(self) -> int: ...
    @property
    def supersedes(self) -> int | None: ...
    @property
    def pair(self) -> int: ...
    @property
    def of_pair(self) -> int | None: ...
    @property
    def unit(self) -> int: ...
    @property
    def annotator(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def first_won(self) -> bool | None: ...
    @property
    def response_ms(self) -> int | None: ...
    @property
    def second(self) -> int: ...
    @property
    def trial(self) -> bool: ...
    @property
    def check(self) -> str | None: ...
    @property
    def files(self) -> tuple[str, str]: ...


@dataclass(frozen=True)
class Columns:
    """Current votes, oldest first: a number of each vote in every column."""

    people: Sequence[str]
    prompts: Sequence[str]
    vote: np.ndarray
    pair: np.ndarray
    of_pair: np.ndarray
    """The pair that a repeat or a known pair is a copy of, or NONE."""
    unit: np.ndarray
    """The two images, whatever pair and sides showed them."""
    person: np.ndarray
    prompt: np.ndarray
    said: np.ndarray
    """A place in SAID."""
    won: np.ndarray
    """1 where the first of the two images won, 0 where the second one did, else NONE."""
    ms: np.ndarray
    """How long it took, or NONE."""
    second: np.ndarray
    """When it was given, in seconds since 1970 (UTC)."""
    trial: np.ndarray
    check: np.ndarray
    """A place in CHECKS."""
    first: np.ndarray
    """Where the numbers about the first image are kept."""
    other: np.ndarray

    def __len__(self) -> int:
        return len(self.vote)

    def where(self, chosen: np.ndarray) -> "Columns":
        """Return some of the votes, by a mask or by their places."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in TYPES})

    def of(self, person: str | None) -> "Columns":
        """Return one person's votes; everybody's for None."""
        if person is None:
            return self
        known = self.people.index(person) if person in self.people else NONE
        return self.where(self.person == known)

    @property
    def decisive(self) -> np.ndarray:
        """Where one image won."""
        decisive: np.ndarray = self.won != NONE
        return decisive


TYPES: dict[str, Any] = {
    "vote": np.int64, "pair": np.int64, "of_pair": np.int64, "unit": np.uint64, "person": np.int32,
    "prompt": np.int32, "said": np.int8, "won": np.int8, "ms": np.int64, "second": np.int64,
    "trial": np.bool_, "check": np.int8, "first": np.int32, "other": np.int32,
}  # fmt: skip
assert {one.name for one in fields(Columns)} == TYPES.keys() | {"people", "prompts"}


class Names:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        """Return the number of a text."""
        if text not in self._places:
            self._places[text] = len(self.texts)
            self.texts.append(text)
        return self._places[text]


class Ledger:
    """All votes on a model's pairs, brought up to date by what is new; safe from any thread."""

    def __init__(
        self,
        read: Callable[[int, int], Sequence[Entry]],
        hidden: Callable[[], Sequence[int]],
        kept_at: Callable[[Sequence[str]], np.ndarray],
    ) -> None:
        """Take how votes and undos after one are read, at most so many; which pairs are hidden;
        and where the numbers about images are kept.
        """
        self._read, self._hidden, self._kept_at = read, hidden, kept_at
        self._people, self._prompts = Names(), Names()
        self._kept = {name: np.zeros(0, kind) for name, kind in TYPES.items()}
        self._gone = np.zeros(0, np.bool_)
        self._last = 0
        self._guard = threading.Lock()

    def columns(self) -> Columns:
        """Take in what is new, and return the votes that count now."""
        with self._guard:
            while entries := self._read(self._last, AT_ONCE):
                self._take(entries)
            current = ~self._gone & ~np.isin(self._kept["pair"], np.array(self._hidden(), np.int64))
            kept = {name: column[current] for name, column in self._kept.items()}
            return Columns(list(self._people.texts), list(self._prompts.texts), **kept)

    def _take(self, entries: Sequence[Entry]) -> None:
        votes = [one for one in entries if one.supersedes is None]
        new = self._columns_of(votes)
        self._kept = {
            name: np.concatenate([column, np.array(new[name], TYPES[name])])
            for name, column in self._kept.items()
        }
        self._gone = np.concatenate([self._gone, np.zeros(len(votes), np.bool_)])
        undone = [one.supersedes for one in entries if one.supersedes is not None]
        self._gone[np.searchsorted(self._kept["vote"], np.array(undone, np.int64))] = True
        self._last = entries[-1].vote_id

    def _columns_of(self, votes: Sequence[Entry]) -> dict[str, Any]:
        files = self._kept_at([file for vote in votes for file in vote.files])
        return {
            "vote": [vote.vote_id for vote in votes],
            "pair": [vote.pair for vote in votes],
            "of_pair": [NONE if vote.of_pair is None else vote.of_pair for vote in votes],
            "unit": [vote.unit for vote in votes],
            "person": [self._people.place(vote.annotator) for vote in votes],
            "prompt": [self._prompts.place(vote.prompt) for vote in votes],
            "said": [SAID.index(vote.verdict) for vote in votes],
            "won": [NONE if vote.first_won is None else int(vote.first_won) for vote in votes],
            "ms": [NONE if vote.response_ms is None else vote.response_ms for vote in votes],
            "second": [vote.second for vote in votes],
            "trial": [vote.trial for vote in votes],
            "check": [CHECKS.index(vote.check) for vote in votes],
            "first": files[::2],
            "other": files[1::2],
        }
