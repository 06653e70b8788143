"""The toys run in seconds, and their figures say what docs/toys/README.md says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from programs import printed_by

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs/toys/taste.ipynb"
LONGEST = 120


def run_toy(name: str, plot: Path) -> str:
    command = [sys.executable, "-W", "error", str(ROOT / "docs/toys" / name), str(plot)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=plot.parent)
    assert found.returncode == 0, found.stderr
    with Image.open(plot) as image:
        assert len(image.getcolors(1 << 16)) > 2
    return found.stdout


@pytest.mark.parametrize("toy", sorted((ROOT / "docs/toys").glob("*.py")), ids=lambda toy: toy.name)
def test_a_toy_is_short_and_uses_the_real_functions(toy):
    text = toy.read_text("utf-8")
    assert len(text.splitlines()) < LONGEST
    assert re.search(r"^from (align|annotate\.statistics) import", text, re.M)


def cells() -> list[str]:
    """Return the code cells of the notebook."""
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("name", ["dpo_2d.py", "wrong_votes.py", "verdict.py", "taste.ipynb"])
def test_a_toy_and_the_notebook_use_nothing_but_the_library(name):
    path = ROOT / "docs/toys" / name
    code = "\n".join(cells()) if path == NOTEBOOK else path.read_text("utf-8")
    used = re.findall(r"^ *(?:from|import) ((?:app|align|annotate|storage)\b[\w.]*)", code, re.M)
    assert used and set(used) <= {"align", "annotate.statistics"}


def test_dpo_moves_points_to_where_votes_were_and_kappa_holds_them_on_the_ring(tmp_path):
    printed = run_toy("dpo_2d.py", tmp_path / "dpo.png")
    found = re.findall(r"(\d+)% of the points on the right, ([\d.]+) off the ring", printed)
    base, held, free = [(int(right), float(off)) for right, off in found]
    assert base[0] + 20 < held[0] <= free[0]
    assert held[1] < 0.12 < free[1]


def test_a_z_test_that_peeks_cries_wolf_and_the_verdict_does_not(tmp_path):
    printed = run_toy("verdict.py", tmp_path / "verdict.png")
    peeking, once, verdict = [
        float(re.search(rf"^between equals, {name}: +([\d.]+)%", printed, re.M)[1])
        for name in ("z-test", "z-test once", "verdict")
    ]
    assert peeking > 40 and once < 7 and verdict <= 5
    assert f"calls {verdict:g} %" in (ROOT / "docs/toys/README.md").read_text("utf-8")


def test_of_wrong_votes_robust_dpo_learns_what_was_meant(tmp_path):
    printed = run_toy("wrong_votes.py", tmp_path / "wrong.png")
    found = re.findall(r"^(\w[\w ]*?) +(\d+)% of the points on the right", printed, re.M)
    share = {name: int(right) for name, right in found}
    assert share["base"] < share["dpo"] + 5 < share["as meant"] - 20
    assert share["robust"] > share["dpo"] + 20 and share["cdpo"] <= share["dpo"]


FEWER = {
    "STEPS = 80": "STEPS = 2",
    "SEEDS = [1, 2, 3, 4]": "SEEDS = [1, 2]",
    "seeds = [5, 6, 7, 8, 9, 10]": "seeds = [5]",
    "styles = [": "styles = ['an old'] or [",
}
"""Sizes in the notebook, and those that are enough to see it run."""


def test_the_notebook_runs_cell_by_cell(tmp_path):
    code = "\n".join(cells())
    for written, smaller in FEWER.items():
        assert written in code
        code = code.replace(written, smaller)
    printed = printed_by(code, tmp_path)
    assert "12 votes" in printed
    assert re.search(r"votes for the new version \(\d+% to \d+%\)", printed)


def test_the_notebook_is_small_shows_its_images_and_names_no_path_of_a_machine():
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert NOTEBOOK.stat().st_size < 150_000
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 2
    assert not re.search(r"(/home|/tmp|/Users)/", json.dumps(notebook["cells"]))
