"""Rows of a snapshot's `pairs.jsonl`: votes and rankings, before they become tensors."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from align.contracts.snapshot_files import (
    MANIFEST,
    PAIRS,
    UNDECIDED,
    PairRow,
    PreferenceRow,
    RankingRow,
    UndecidedRow,
)
from align.errors import SnapshotError
from align.files import parse_json, read_json


def read_rows(folder: Path) -> Iterator[PairRow]:
    """Read the votes of a snapshot folder one after the other: a million rows take gigabytes.

    Raises:
        SnapshotError: a file is missing or is not what the manifest says; on the way, a line is no
            vote.
    """
    return rows_in(checked_file(folder, PAIRS))


def checked_file(folder: Path, name: str) -> Path:
    """Return a file of a snapshot folder whose content is what the manifest says.

    Raises:
        SnapshotError: it is missing or is another one.
    """
    manifest = read_json(folder / MANIFEST)
    path = folder / name
    if manifest is None or not path.is_file():
        raise SnapshotError(f"{folder} is not a snapshot. It needs {MANIFEST} and {name}.")

    expected = manifest.get("files", {}).get(name)
    with path.open("rb") as file:
        if expected and hashlib.file_digest(file, "sha256").hexdigest() != expected:
            raise SnapshotError(f"{path} is not the file its manifest names. Start a new run.")
    return path


def rows_in(path: Path) -> Iterator[PairRow]:
    """Read the votes of a file; raises SnapshotError at a line that is none."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            # Bytes that are no UTF-8 make a line that is refused by its number.
            yield _row(path, number, line.decode("utf-8", "replace"))


def _row(path: Path, number: int, line: str) -> PairRow:
    try:
        value = parse_json(line)
        if not isinstance(value["prompt"], str) or not _is_vote(value) or not 0 < trust(value) <= 1:
            raise ValueError(line)
        if not (_has_numbers(value, "sizes", 1) and _has_numbers(value, "crops", 0)):
            raise ValueError(line)
        if not 0 <= float(value.get("label", 0.5)) <= 1:
            raise ValueError(line)
    except (ValueError, KeyError, TypeError):
        raise SnapshotError(f"{path}, line {number}, is not a vote: {line[:80]!r}.") from None
    row: PairRow = value
    return row


def _is_vote(row: Any) -> bool:
    """Return whether a JSON value has what its kind of row needs. Raises KeyError or TypeError."""
    if row["kind"] == "preference":
        return isinstance(row["chosen"], str) and isinstance(row["rejected"], str)
    if row["kind"] == "ranking":
        return len(row["images"]) == len(row["ranks"]) >= 2
    return row["kind"] in UNDECIDED and len(row["images"]) == 2


def _has_numbers(row: Any, name: str, least: int) -> bool:
    """Return whether a row's key is left out, or holds two whole numbers for each of its images."""
    if name not in row:
        return True
    count = 2 if row["kind"] == "preference" else len(row["images"])
    numbers = [number for both in row[name] for number in both if len(both) == 2]
    whole = all(isinstance(number, int) and number >= least for number in numbers)
    return whole and len(row[name]) == count and len(numbers) == 2 * count


def trust(row: PairRow) -> float:
    """Return the weight of a vote in 0..1: that of its voter, 1 where the row has none."""
    return float(row.get("weight", 1.0))


def is_plain(row: PairRow) -> bool:
    """Return whether brackets in the prompt of a vote are characters."""
    return row.get("plain") is True


def comparisons(row: RankingRow) -> list[tuple[int, int]]:
    """Return the indices (better, worse) of every two images that a ranking tells apart.

    `ranks` are numbers, the lowest for the best image; images of equal rank make no pair.
    """
    ranks = row["ranks"]
    pairs = combinations(range(len(ranks)), 2)
    return [(i, j) if ranks[i] < ranks[j] else (j, i) for i, j in pairs if ranks[i] != ranks[j]]


class PairCounts(NamedTuple):
    """The pairs that votes give."""

    pairs: int
    others: dict[str, int]
    """Votes of other kinds, which give none."""
    own: int
    """Pairs that did not come in from files."""


def count_pairs(rows: Iterable[PairRow], kinds: tuple[str, ...]) -> PairCounts:
    """Count the pairs that these kinds of votes give, and the votes of each other kind."""
    pairs, own, others = 0, 0, Counter[str]()
    for row in rows:
        if row["kind"] == "ranking":
            given = len(comparisons(row))
        elif row["kind"] in kinds:
            given = 1
        else:
            given = 0
            others[row["kind"]] += 1
        pairs += given
        own += 0 if row.get("source") else given
    return PairCounts(pairs, dict(others), own)


class VoteShares:
    """Shares of votes by (prompt, image, other image): (wins + ½) / (votes + 1).

    A tie is half a win; a clear choice counts as two votes. The half vote keeps a single vote from
    being certain. Each two images of a prompt are kept once, in the order of their names, and two
    numbers with them.
    """

    def __init__(self) -> None:
        self._number: dict[tuple[str, str, str], int] = {}
        self._wins, self._votes = array("d"), array("d")

    def __getitem__(self, sides: tuple[str, str, str]) -> float:
        prompt, first, second = sides
        turned = first > second
        number = self._number[(prompt, second, first) if turned else sides]
        votes = self._votes[number]
        wins = votes - self._wins[number] if turned else self._wins[number]
        return (wins + 0.5) / (votes + 1)

    def add(self, prompt: str, first: str, second: str, won: float, votes: int) -> None:
        """Add votes, of which the share `won` is for the first image."""
        if first > second:
            first, second, won = second, first, 1.0 - won
        number = self._number.setdefault((prompt, first, second), len(self._votes))
        if number == len(self._votes):
            self._wins.append(0.0)
            self._votes.append(0.0)
        # An image beside itself is voted on from both sides.
        both = first == second
        self._wins[number] += votes if both else won * votes
        self._votes[number] += 2 * votes if both else votes


def vote_shares(rows: Iterable[PairRow], names: SharedText | None = None) -> VoteShares:
    """Return the shares of votes of rows, with their texts in `names`."""
    shares, once = VoteShares(), names or SharedText()
    for row in rows:
        prompt = once(row["prompt"])
        for first, second, won in _wins(row):
            shares.add(prompt, once(first), once(second), won, strength(row))
    return shares


class SharedText:
    """Texts that come again and again, each kept once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the text that is kept for an equal one."""
        return self._known.setdefault(text, text)


def strength(row: PairRow) -> int:
    """Return the number of votes that a vote counts as: 2 for a clear choice."""
    return 2 if row.get("strength") == 2 else 1


def _wins(row: PairRow) -> list[tuple[str, str, float]]:
    if row["kind"] == "ranking":
        ranked = row["images"]
        return [(ranked[better], ranked[worse], 1.0) for better, worse in comparisons(row)]
    first, second = images(row)
    return [(first, second, 1.0 if row["kind"] == "preference" else 0.5)]


def images(row: PreferenceRow | UndecidedRow) -> tuple[str, str]:
    """Return the two images of a vote on a pair, the chosen one first."""
    if row["kind"] == "preference":
        return row["chosen"], row["rejected"]
    first, second = row["images"]
    return first, second
