"""For every test: one thread a process, since tests run two at a time, and long files first."""

import os

import pytest

# Before anything imports torch: threads that wait for one another on two cores only spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")

LONG = ("/browser/", "/test_app.py", "/test_train.py", "/test_evaluation.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: not any(part in item.path.as_posix() for part in LONG))
