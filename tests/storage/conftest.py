"""A studio to test on: real DuckDB, real files, and a clock that the test moves."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from empty_studio import empty_studio
from storage_making import BASE, make_pair

from storage import Pair, Store


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1)
        self.lived = 0.0

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.lived += seconds

    def step(self, seconds: float) -> None:
        """Put the clock on the wall forward or back, while no time passes."""
        self.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self.lived


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "studio"


@pytest.fixture
def store(home: Path, clock: HandClock) -> Iterator[Store]:
    with Store(empty_studio(home), clock, clock.monotonic) as store:
        store.ensure_base(BASE)
        yield store


@pytest.fixture
def pair(store: Store) -> Pair:
    return make_pair(store)
