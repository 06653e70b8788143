"""Fast tests: `pytest -m fast` runs those without a model, a browser or another process.

Every test is fast that is not marked slow or long, by itself or by `pytestmark = pytest.mark.slow`
of its file. What is marked fast and is not ends in a sentence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SLOW_FILE = re.compile(r"^pytestmark = pytest\.mark\.(slow|browser|long)\b", re.MULTILINE)
PROCESSES = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty"}
"""What Python tells audit hooks when a process is about to start."""


class FastTests:
    """Marks fast tests, leaves files of slow ones alone, and keeps fast ones to their word."""

    def __init__(self, config: pytest.Config) -> None:
        self._alone = config.option.markexpr == "fast"
        self._runs_one = self._started = False
        sys.addaudithook(self._audit)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Import no file of slow tests for fast ones: torch and diffusers take seconds."""
        if not self._alone or not collection_path.match("test_*.py"):
            return None
        return bool(SLOW_FILE.search(collection_path.read_text(encoding="utf-8"))) or None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark every test fast that is not slow."""
        for item in items:
            if not any(map(item.get_closest_marker, ("slow", "browser", "long"))):
                item.add_marker(pytest.mark.fast)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        """Note whether a fast test runs."""
        self._runs_one, self._started = item.get_closest_marker("fast") is not None, False
        try:
            return (yield)
        finally:
            self._runs_one = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """Fail a fast test that started a process, perhaps in a thread."""
        yield
        if self._started:
            pytest.fail("It starts a process, so it is not fast: mark it slow.", pytrace=False)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROCESSES and self._runs_one:
            self._started = True
        if event == "import" and self._alone and arguments[0] == "diffusers":
            raise AssertionError("A test that needs diffusers is not fast: mark it slow.")
