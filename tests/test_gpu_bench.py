"""The bench for GPUs runs to its end at tiny size, since it is seldom run at full size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "bench" / "gpu.py"


def rows_of(folder: Path) -> list[dict]:
    """Run it, and return the rows that it leaves."""
    command = [sys.executable, str(SCRIPT), "--dry"]
    environment = os.environ | {"OUT": str(folder), "TMPDIR": str(folder)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return json.loads((folder / "gpu.json").read_text())


def test_every_part_leaves_its_rows(tmp_path):
    rows = rows_of(tmp_path)
    assert not [row for row in rows if "error" in row]
    ours = [row for row in rows if row.get("part") == "ours" and "pairs" in row]
    assert [row["recomputed"] for row in ours] == ["none", "some", "all"]
    assert all(row["pairs_per_s"] > 0 and row["planned_gib"] > 0 for row in ours)
    measured = {row["part"] for row in rows if "pairs_per_s" in row or "seconds_each" in row}
    assert measured >= {"ours", "plain", "sampler", "fp16"}
