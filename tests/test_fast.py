"""Fast tests: files that they leave alone say so themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fast import SLOW_FILE

TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    "line", ["pytestmark = pytest.mark.slow", "pytestmark = pytest.mark.browser", "x = 1"]
)
def test_a_file_is_slow_that_says_so_in_a_line_of_its_own(line):
    assert bool(SLOW_FILE.search(f"import pytest\n\n{line}\n")) == line.startswith("pytestmark")
    assert not SLOW_FILE.search(f"    {line}\n# {line}\n")


def test_files_that_need_an_app_or_a_browser_are_slow():
    files = [*TESTS.glob("browser/test_*.py"), TESTS / "test_app.py"]
    assert len(files) > 5
    assert [file.name for file in files if not SLOW_FILE.search(file.read_text("utf-8"))] == []


@pytest.mark.slow
def test_fast_tests_are_collected_alone_without_diffusers():
    command = [sys.executable, "-m", "pytest", "-m", "fast", "--collect-only", "-q", "-n0"]
    # What only tests need is hidden from other processes by this variable.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    collected = subprocess.run(command, cwd=TESTS.parent, env=own, capture_output=True, text=True)
    assert collected.returncode == 0, collected.stdout[-4000:]


def test_this_one_is_fast(request):
    assert request.node.get_closest_marker("fast") and not request.node.get_closest_marker("slow")
