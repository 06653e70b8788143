"""Read a snapshot: the votes that a run learns from, checked against its manifest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from align.errors import SnapshotError
from align.files import read_json
from align.noise import counter_key

LIKED = {"preference": (1.0, -1.0), "both_good": (1.0, 1.0), "both_bad": (-1.0, -1.0)}


@dataclass(frozen=True)
class PreferencePair:
    """One vote on two pictures of a prompt. Where neither was preferred, `kind` says what was."""

    key: str
    """Names the pair in the noise counter."""
    prompt: str
    chosen: Path
    rejected: Path
    kind: str = "preference"
    """preference, both_good or both_bad."""
    share: float = 0.75
    """Share of the votes on these two pictures that went to `chosen`, smoothed by half a vote; a
    scorer's own probability where it gave the label."""
    weight: float = 1.0
    """How much a pair out of a ranking counts (RankDPO)."""

    @property
    def liked(self) -> tuple[float, float]:
        """+1 for a picture that somebody wants, else -1: the chosen one first."""
        return LIKED[self.kind]


@dataclass(frozen=True)
class Snapshot:
    """Pairs to learn from, and how many votes of each kind are not taught."""

    pairs: list[PreferencePair]
    left_out: dict[str, int]


def read_snapshot(folder: Path, kinds: tuple[str, ...] = ("preference",)) -> Snapshot:
    """Read `pairs.jsonl`, leaving out every vote that is not of these kinds.

    Raises:
        SnapshotError: a file is missing or is not what the manifest says, or nothing is decisive.
    """
    manifest = read_json(folder / "manifest.json")
    path = folder / "pairs.jsonl"
    if manifest is None or not path.is_file():
        raise SnapshotError(f"{folder} is not a snapshot. It needs manifest.json and pairs.jsonl.")
    text = path.read_bytes()
    expected = manifest.get("files", {}).get("pairs.jsonl")
    if expected and hashlib.sha256(text).hexdigest() != expected:
        raise SnapshotError(f"{path} is not the file its manifest names. Start a new run.")
    rows = [json.loads(line) for line in text.decode("utf-8").splitlines()]
    shares = vote_shares(rows)
    pairs = [_pair(folder, row, shares) for row in rows if row["kind"] in kinds]
    if not any(pair.kind == "preference" for pair in pairs):
        raise SnapshotError("No decisive vote to learn from. Prefer one picture in a few pairs.")
    left_out = Counter(row["kind"] for row in rows if row["kind"] not in kinds)
    return Snapshot(pairs, dict(left_out))


def vote_shares(rows: list[dict]) -> dict[tuple[str, str, str], float]:
    """By (prompt, picture, other picture), (wins + ½) / (votes + 1); a tie is half a win."""
    wins: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    votes: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        first, second = _pictures(row)
        won = 1.0 if row["kind"] == "preference" else 0.5
        for sides, share in (((first, second), won), ((second, first), 1.0 - won)):
            wins[row["prompt"], *sides] += share
            votes[row["prompt"], *sides] += 1
    return {sides: (wins[sides] + 0.5) / (votes[sides] + 1) for sides in votes}


def _pictures(row: dict) -> tuple[str, str]:
    if row["kind"] == "preference":
        return row["chosen"], row["rejected"]
    first, second = row["images"]
    return first, second


def _pair(folder: Path, row: dict, shares: dict[tuple[str, str, str], float]) -> PreferencePair:
    sides = _pictures(row)
    chosen, rejected = (folder / side for side in sides)
    for picture in (chosen, rejected):
        if not picture.is_file():
            raise SnapshotError(f"{picture} is missing from the snapshot. Start a new run.")
    prompt = row["prompt"]
    key = "|".join((*sides, prompt))
    share = float(row.get("label", shares[prompt, *sides]))
    return PreferencePair(key, prompt, chosen, rejected, row["kind"], share)


def split_by_prompt(
    pairs: list[PreferencePair], held_out: int, seed: int
) -> tuple[list[PreferencePair], list[PreferencePair]]:
    """Pairs to train on and about `held_out` others, with no prompt on both sides."""
    count = Counter(pair.prompt for pair in pairs)
    kept_out: set[str] = set()
    taken = 0
    for prompt in sorted(count, key=lambda prompt: counter_key(seed, "split", prompt)):
        if taken + count[prompt] <= held_out:
            kept_out.add(prompt)
            taken += count[prompt]
    train = [pair for pair in pairs if pair.prompt not in kept_out]
    return train, [pair for pair in pairs if pair.prompt in kept_out]
