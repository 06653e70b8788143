"""Read a snapshot: the votes that a run learns from, checked against its manifest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from align.errors import SnapshotError
from align.files import read_json
from align.noise import counter_key


@dataclass(frozen=True)
class PreferencePair:
    """One vote: the same prompt drawn twice, and which picture was preferred."""

    key: str
    """Names the pair in the noise counter."""
    prompt: str
    chosen: Path
    rejected: Path


@dataclass(frozen=True)
class Snapshot:
    """Pairs to learn from, and how many votes of each kind are not taught."""

    pairs: list[PreferencePair]
    left_out: dict[str, int]


def read_snapshot(folder: Path) -> Snapshot:
    """Read `pairs.jsonl`, leaving out every vote that prefers neither picture.

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
    pairs = [_pair(folder, row) for row in rows if row["kind"] == "preference"]
    if not pairs:
        raise SnapshotError("No decisive vote to learn from. Prefer one picture in a few pairs.")
    left_out = Counter(row["kind"] for row in rows if row["kind"] != "preference")
    return Snapshot(pairs, dict(left_out))


def _pair(folder: Path, row: dict) -> PreferencePair:
    chosen, rejected = folder / row["chosen"], folder / row["rejected"]
    for picture in (chosen, rejected):
        if not picture.is_file():
            raise SnapshotError(f"{picture} is missing from the snapshot. Start a new run.")
    key = f"{row['chosen']}|{row['rejected']}|{row['prompt']}"
    return PreferencePair(key, row["prompt"], chosen, rejected)


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
