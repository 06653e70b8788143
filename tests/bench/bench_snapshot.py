"""Snapshots for benches: of painted images where no taste matters, and of given votes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def make_snapshot(folder: Path, pairs: int = 24) -> Path:
    """Votes for red over blue."""
    painted = folder / "painted"
    painted.mkdir(parents=True)
    votes = []
    for number in range(pairs):
        sides = []
        for side, colour in (("chosen", (200, number, 0)), ("rejected", (0, number, 200))):
            sides.append(painted / f"{side}{number}.png")
            Image.new("RGB", (128, 128), colour).save(sides[-1])
        votes.append((f"a cat {number}", sides[0], sides[1]))
    return write_snapshot(folder / "snapshot", votes)


def write_snapshot(folder: Path, votes: Sequence[tuple[str, Path, Path]]) -> Path:
    """A snapshot folder of votes: prompt, chosen image, rejected image."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, (prompt, *sides) in enumerate(votes):
        row = {"pair_id": str(number), "prompt": prompt, "kind": "preference"}
        for side, image in zip(("chosen", "rejected"), sides, strict=True):
            row[side] = f"images/{image.name}"
            shutil.copyfile(image, folder / row[side])
        rows.append(json.dumps(row) + "\n")
    text = "".join(rows)
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")
    files = {"pairs.jsonl": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"snapshot_id": "s0001", "files": files}))
    return folder
