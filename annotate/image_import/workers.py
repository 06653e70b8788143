"""Worker threads that may hang on a file without holding up the others or the program's end."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
STALL_TIMEOUT_S = 60.0
"""Seconds without any finished item after which the next one counts as hanging."""


class WorkersHung(Exception):
    """As many items hang as there are threads, so the others would hang too."""


class MemoryBudget:
    """Budget of memory that threads share; what needs more than all of it runs alone."""

    def __init__(self, size: int) -> None:
        self._size, self._taken = size, 0
        self._freed = threading.Condition()

    @contextmanager
    def reserve(self, amount: int) -> Iterator[None]:
        """Wait until so many bytes are free, and hold them."""
        with self._freed:
            self._freed.wait_for(lambda: not self._taken or self._taken + amount <= self._size)
            self._taken += amount

        try:
            yield
        finally:
            with self._freed:
                self._taken -= amount
                self._freed.notify_all()


class WorkerPool(Generic[Item, Result]):
    """Daemon threads that work off items; results come in the order of the items.

    Not a ThreadPoolExecutor: a program waits at its end for those threads, also for one that reads
    from a network folder which no longer answers.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        threads: int,
        stall_timeout_s: float = STALL_TIMEOUT_S,
    ) -> None:
        self._work, self._items = work, items
        self._threads, self._stall_timeout_s = threads, stall_timeout_s
        self._changed = threading.Condition()
        self._done: dict[int, tuple[Result | None, BaseException | None]] = {}
        self._taken = self._hung = 0
        self._last_finished = time.monotonic()

    def results(self) -> Iterator[Result | None]:
        """Return the result of each item, None for one that hangs; raises what the work raises.

        An item hangs when nothing at all was finished for as long as `patience_s`. Raises Hung once
        as many hang as there are threads.
        """
        for _ in range(min(self._threads, len(self._items))):
            self._start_thread()
        try:
            for number in range(len(self._items)):
                yield self._result(number)
        finally:
            # Also where the caller stops early: the threads find no more items.
            with self._changed:
                self._taken = len(self._items)

    def _start_thread(self) -> None:
        threading.Thread(target=self._work_loop, name="importing", daemon=True).start()

    def _work_loop(self) -> None:
        while True:
            with self._changed:
                number = self._taken
                if number >= len(self._items):
                    return
                self._taken += 1

            try:
                outcome: tuple[Result | None, BaseException | None]
                outcome = self._work(self._items[number]), None
            except BaseException as error:
                outcome = None, error

            with self._changed:
                self._done[number] = outcome
                self._last_finished = time.monotonic()
                self._changed.notify_all()

    def _result(self, number: int) -> Result | None:
        with self._changed:
            while number not in self._done:
                left_s = self._last_finished + self._stall_timeout_s - time.monotonic()
                if left_s <= 0:
                    self._abandon_item()
                    return None
                self._changed.wait(left_s)
            result, error = self._done.pop(number)
        if error is not None:
            raise error
        return result

    def _abandon_item(self) -> None:
        """Give up an item, and start a thread in place of the one that hangs on it."""
        self._hung += 1
        if self._hung >= self._threads:
            raise WorkersHung
        self._last_finished = time.monotonic()
        self._start_thread()
