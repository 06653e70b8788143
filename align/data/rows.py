"""Rows of a snapshot's `pairs.jsonl`: votes and rankings, before they become tensors."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

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


def read_rows(folder: Path) -> list[PairRow]:
    """Read every vote of a snapshot folder.

    Raises:
        SnapshotError: a file is missing, is not what the manifest says, or holds no votes.
    """
    manifest = read_json(folder / MANIFEST)
    path = folder / PAIRS
    if manifest is None or not path.is_file():
        raise SnapshotError(f"{folder} is not a snapshot. It needs {MANIFEST} and {PAIRS}.")

    text = path.read_bytes()
    expected = manifest.get("files", {}).get(PAIRS)
    if expected and hashlib.sha256(text).hexdigest() != expected:
        raise SnapshotError(f"{path} is not the file its manifest names. Start a new run.")
    # Bytes that are no UTF-8 make a line that is refused by its number.
    lines = text.decode("utf-8", "replace").splitlines()
    return [_row(path, number, line) for number, line in enumerate(lines, start=1)]


def _row(path: Path, number: int, line: str) -> PairRow:
    try:
        value = parse_json(line)
        if not isinstance(value["prompt"], str) or not _is_vote(value) or not 0 < trust(value) <= 1:
            raise ValueError(line)
        if not (_has_numbers(value, "sizes", 1) and _has_numbers(value, "crops", 0)):
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


def count_pairs(rows: Sequence[PairRow], kinds: tuple[str, ...]) -> tuple[int, dict[str, int]]:
    """Count the pairs that these kinds of votes give, and the votes of each other kind."""
    pairs = sum(row["kind"] in kinds for row in rows)
    ranked = sum(len(comparisons(row)) for row in rows if row["kind"] == "ranking")
    others: Counter[str] = Counter(
        row["kind"] for row in rows if row["kind"] not in (*kinds, "ranking")
    )
    return pairs + ranked, dict(others)


def vote_shares(rows: Sequence[PairRow]) -> dict[tuple[str, str, str], float]:
    """Return (wins + ½) / (votes + 1) by (prompt, image, other image).

    A tie is half a win; a clear choice counts as two votes. The half vote keeps a single vote from
    being certain.
    """
    wins: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    votes: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        for first, second, won in _wins(row):
            for sides, share in (((first, second), won), ((second, first), 1.0 - won)):
                wins[row["prompt"], *sides] += share * strength(row)
                votes[row["prompt"], *sides] += strength(row)
    return {sides: (wins[sides] + 0.5) / (votes[sides] + 1) for sides in votes}


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
