"""Work that takes seconds to minutes, watched while it goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from annotate.clock import Monotonic

TICK_S = 0.5


class DurationHistory:
    """How long each kind of work took the last time, so that the next one knows its time left."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._took: dict[str, float] = {}

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Time work of a kind; one that fails says nothing."""
        began = self._clock()
        yield
        self._took[kind] = self._clock() - began

    def expected(self, kind: str) -> float | None:
        """How long work of this kind took the last time."""
        return self._took.get(kind)


class BackgroundJob:
    """One piece of work in a thread of its own; its result or its error comes from `result`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._value: Any = None
        self._error: BaseException | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self._thread.start()

    def seconds(self) -> Iterator[float]:
        """Return how long it goes on, again and again until it has ended."""
        while self._thread.is_alive():
            yield time.monotonic() - self._began
            self._thread.join(TICK_S)

    def ended(self, within_s: float) -> bool:
        """Whether the work has ended; waits for it, but no longer than this."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Wait for the end and return what the work returned, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:
            self._error = error
