"""Background jobs: run a slow task in a thread and report its progress."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from annotate.clock import Monotonic

T = TypeVar("T")
TICK_S = 0.5
"""Seconds between two polls of a job, and so between two updates of a page."""


class DurationHistory:
    """Durations of the newest task of each kind, to estimate the time left of the next one."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._durations: dict[str, float] = {}

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Time a task of a kind; one that fails is not recorded."""
        began = self._clock()
        yield
        self._durations[kind] = self._clock() - began

    def expected(self, kind: str) -> float | None:
        """Return the seconds that the newest task of this kind took; None before the first."""
        return self._durations.get(kind)


class BackgroundJob:
    """One task in a thread of its own; `result` gives what it returned or raises its error."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._value: Any = None
        self._error: BaseException | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self._thread.start()

    def seconds(self) -> Iterator[float]:
        """Yield the seconds since the start, every TICK_S until the task has ended."""
        while self._thread.is_alive():
            yield time.monotonic() - self._began
            self._thread.join(TICK_S)

    def ended(self, within_s: float) -> bool:
        """Wait for the end, but no longer than this, and return whether it was reached."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Wait for the end and return what the task returned, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        try:
            self._value = self._work()
        # BaseException too: a job that ends without a result would look like one that gave None.
        except BaseException as error:
            self._error = error


def ticking(parts: Iterator[T], tick_s: float = 1.0) -> Iterator[T | None]:
    """Yield each part as it comes, and None every second until then."""
    end = object()
    while True:
        job = BackgroundJob(lambda: next(parts, end))
        while not job.ended(tick_s):
            yield None
        if (part := job.result()) is end:
            return
        yield cast(T, part)
