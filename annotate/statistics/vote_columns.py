"""Votes as columns of numbers, so that 100,000 of them are added up in milliseconds.

`VoteColumnCache` reads what was recorded since it was last asked, and nothing twice; `VoteColumns`
are the current votes of one moment, or some of them.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

VERDICTS = ("left", "right", "tie", "both_good", "both_bad", "skip")
LEFT, RIGHT, TIE, BOTH_GOOD, BOTH_BAD, SKIP = range(len(VERDICTS))
CHECKS = (None, "repeat", "gold")
NO_CHECK, REPEAT, GOLD = range(len(CHECKS))
NONE = -1
"""Stands in a column where a vote has no such number."""
BATCH_SIZE = 10_000
"""Votes read at once, so that no query and no list of rows is long."""


class VoteLike(Protocol):
    """A vote, or an undo, as it is read; storage's `VoteEntry` is one.

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
class VoteColumns:
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
    verdict: np.ndarray
    """An index into VERDICTS."""
    won: np.ndarray
    """1 where the first of the two images won, 0 where the second one did, else NONE."""
    response_ms: np.ndarray
    """The response time, or NONE."""
    second: np.ndarray
    """The time it was given, in seconds since 1970 (UTC)."""
    trial: np.ndarray
    check: np.ndarray
    """An index into CHECKS: quality-control pairs."""
    first_image: np.ndarray
    """The row of the first image in the table of image features."""
    second_image: np.ndarray

    def __len__(self) -> int:
        return len(self.vote)

    def where(self, mask: np.ndarray) -> "VoteColumns":
        """Return some of the votes, by a mask or by their rows."""
        return replace(self, **{name: getattr(self, name)[mask] for name in TYPES})

    def of(self, person: str | None) -> "VoteColumns":
        """Return one person's votes; everybody's for None."""
        if person is None:
            return self
        index = self.people.index(person) if person in self.people else NONE
        return self.where(self.person == index)

    @property
    def decisive(self) -> np.ndarray:
        """Mark the votes that one image won."""
        decisive: np.ndarray = self.won != NONE
        return decisive


TYPES: dict[str, type[np.generic]] = {
    "vote": np.int64, "pair": np.int64, "of_pair": np.int64, "unit": np.uint64,
    "person": np.int32, "prompt": np.int32, "verdict": np.int8, "won": np.int8,
    "response_ms": np.int64, "second": np.int64, "trial": np.bool_, "check": np.int8,
    "first_image": np.int32, "second_image": np.int32,
}  # fmt: skip
assert {column.name for column in fields(VoteColumns)} == TYPES.keys() | {"people", "prompts"}


class StringIndex:
    """Numbers texts, each once, in the order in which they came."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._indices: dict[str, int] = {}

    def index_of(self, text: str) -> int:
        """Return the number of a text."""
        if text not in self._indices:
            self._indices[text] = len(self.texts)
            self.texts.append(text)
        return self._indices[text]


class VoteColumnCache:
    """All votes on a model's pairs, kept in memory and extended by what is new.

    Safe from any thread.
    """

    def __init__(
        self,
        read: Callable[[int, int], Sequence[VoteLike]],
        hidden: Callable[[], Sequence[int]],
        feature_rows: Callable[[Sequence[str]], np.ndarray],
    ) -> None:
        """Take the callables that read from the store.

        Args:
            read: returns up to so many votes and undos after the one with this id, in order.
            hidden: returns the pairs whose votes do not count now.
            feature_rows: returns the row of each image in the table of image features.
        """
        self._read, self._hidden, self._feature_rows = read, hidden, feature_rows
        self._people, self._prompts = StringIndex(), StringIndex()
        self._kept = {name: np.zeros(0, kind) for name, kind in TYPES.items()}
        self._undone = np.zeros(0, np.bool_)
        self._last = 0
        self._guard = threading.Lock()

    def columns(self) -> VoteColumns:
        """Read what is new, and return the votes that count now."""
        with self._guard:
            while entries := self._read(self._last, BATCH_SIZE):
                self._append(entries)
            current = ~self._undone & ~np.isin(
                self._kept["pair"], np.array(self._hidden(), np.int64)
            )
            kept = {name: column[current] for name, column in self._kept.items()}
            return VoteColumns(list(self._people.texts), list(self._prompts.texts), **kept)

    def _append(self, entries: Sequence[VoteLike]) -> None:
        votes = [entry for entry in entries if entry.supersedes is None]
        new = self._columns_of(votes)
        self._kept = {
            name: np.concatenate([column, np.array(new[name], TYPES[name])])
            for name, column in self._kept.items()
        }
        self._undone = np.concatenate([self._undone, np.zeros(len(votes), np.bool_)])

        undone = [entry.supersedes for entry in entries if entry.supersedes is not None]
        # Ids only grow, so that the column of them is sorted.
        self._undone[np.searchsorted(self._kept["vote"], np.array(undone, np.int64))] = True
        self._last = entries[-1].vote_id

    def _columns_of(self, votes: Sequence[VoteLike]) -> dict[str, npt.ArrayLike]:
        # Both images of each vote, first and second in turn.
        feature_rows = self._feature_rows([file for vote in votes for file in vote.files])
        return {
            "vote": [vote.vote_id for vote in votes],
            "pair": [vote.pair for vote in votes],
            "of_pair": [NONE if vote.of_pair is None else vote.of_pair for vote in votes],
            "unit": [vote.unit for vote in votes],
            "person": [self._people.index_of(vote.annotator) for vote in votes],
            "prompt": [self._prompts.index_of(vote.prompt) for vote in votes],
            "verdict": [VERDICTS.index(vote.verdict) for vote in votes],
            "won": [NONE if vote.first_won is None else int(vote.first_won) for vote in votes],
            "response_ms": [
                NONE if vote.response_ms is None else vote.response_ms for vote in votes
            ],
            "second": [vote.second for vote in votes],
            "trial": [vote.trial for vote in votes],
            "check": [CHECKS.index(vote.check) for vote in votes],
            "first_image": feature_rows[::2],
            "second_image": feature_rows[1::2],
        }
