"""Processor time of tests, by file: `pytest --cpu-time` prints where it goes.

A file's own time is that of the process that runs its tests; that of children counts once they have
ended, so an app or a browser counts where it is closed.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

ROWS = 40
"""Files that are listed, those of the most time first."""


class CpuTime:
    """Measures in every process that runs tests, and adds up in the one that reports."""

    def __init__(self) -> None:
        self._before = (0.0, 0.0)
        self._by_file: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[Any]:
        """Add to a report what was used since the one before it."""
        report = yield
        now = (time.process_time(), children_time())
        report.cpu = [now[0] - self._before[0], now[1] - self._before[1]]
        self._before = now
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add up the reports of all processes."""
        row = self._by_file[report.nodeid.split("::")[0]]
        for place, seconds in enumerate((*report.cpu, report.duration)):
            row[place] += seconds

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the files of the most processor time."""
        if not self._by_file:
            return
        write = terminalreporter.write_line
        rows = sorted(self._by_file.items(), key=lambda row: -sum(row[1][:2]))
        total = [sum(values) for values in zip(*self._by_file.values(), strict=True)]
        terminalreporter.section("processor time in seconds; collecting counts in the first test")
        write("    own  children  wall")
        for name, (own, children, wall) in [*rows[:ROWS], ("all files", total)]:
            write(f"{own:7.1f} {children:9.1f} {wall:5.0f}  {name}")


def children_time() -> float:
    """Return the processor time of children of this process that have ended."""
    times = os.times()
    return times.children_user + times.children_system
