"""A snapshot of painted pictures, for benches that need votes but no taste."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from PIL import Image


def make_snapshot(folder: Path, pairs: int = 24) -> Path:
    """Votes for red over blue."""
    snapshot = folder / "snapshot"
    (snapshot / "images").mkdir(parents=True)
    rows = []
    for number in range(pairs):
        row = {"pair_id": str(number), "prompt": f"a cat {number}", "kind": "preference"}
        for side, colour in (("chosen", (200, number, 0)), ("rejected", (0, number, 200))):
            row[side] = f"images/{side}{number}.png"
            Image.new("RGB", (128, 128), colour).save(snapshot / row[side])
        rows.append(json.dumps(row) + "\n")
    text = "".join(rows)
    (snapshot / "pairs.jsonl").write_text(text, encoding="utf-8")
    files = {"pairs.jsonl": hashlib.sha256(text.encode()).hexdigest()}
    (snapshot / "manifest.json").write_text(json.dumps({"snapshot_id": "s0001", "files": files}))
    return snapshot
