"""For every test: one thread a process, since several run at a time, and the longest first."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cpu_time import CpuTime
from fast import FastTests
from xdist import is_xdist_controller
from xdist.scheduler import LoadFileScheduling

# Before anything imports torch: threads that wait for one another on two cores only spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")

AS_INSTALLED = str(Path(__file__).parent / "as_installed")
BROWSER = "tests/browser"
LONGEST_FIRST = (
    BROWSER,
    "tests/test_app.py",
    "tests/align/training/test_loop.py",
    "tests/align/sampling/test_sampler.py",
    "tests/align/evaluation/test_evaluate.py",
    "tests/storage/backup/test_recovery.py",
    "tests/annotate/attacks/test_attacks_texts.py",
    "tests/align",
)
"""What takes minutes begins first, so that no process is left alone with it at the end."""


class ByFile(LoadFileScheduling):
    """Gives a process whole files, and all browser tests to one: they share an app and Chromium."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(f"{BROWSER}/") else super()._split_scope(nodeid)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for tests of all folders."""
    parser.addoption(
        "--cpu-time", action="store_true", help="print which test files take processor time"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell fast tests from slow ones, and measure where that is asked for."""
    config.pluginmanager.register(FastTests(config))
    if config.getoption("--cpu-time"):
        config.pluginmanager.register(CpuTime())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Distribute tests over processes."""
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collect tests while the garbage collector is off, and never look at what they import again.

    A million objects are made, none of them garbage; looking for some takes a second each time.
    """
    # Not in the process that starts those which run tests: they need what is hidden.
    if not is_xdist_controller(session):
        paths = [AS_INSTALLED, os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes."""
    items.sort(key=lambda item: rank(item.nodeid))


def rank(nodeid: str) -> int:
    """Return the place of a test in LONGEST_FIRST, or the one after all of them."""
    for place, start in enumerate(LONGEST_FIRST):
        if nodeid.startswith(start):
            return place
    return len(LONGEST_FIRST)


@pytest.fixture(scope="session")
def small_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that renders and trains in a fraction of the time, for what its images do not matter
    to.
    """
    from small_model import write_small_model  # noqa: PLC0415  diffusers takes seconds

    return write_small_model(tmp_path_factory.mktemp("small") / "model")
