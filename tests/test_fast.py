"""Fast tests: files that they leave alone say so themselves."""

from __future__ import annotations

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


def test_this_one_is_fast(request):
    assert request.node.get_closest_marker("fast") and not request.node.get_closest_marker("slow")
