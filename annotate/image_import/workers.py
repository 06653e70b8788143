"""Work on many files at once that neither one of them nor the end of the program waits for."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
PATIENCE_S = 60.0


class Hung(Exception):
    """So many pieces of work hang that the rest would, too."""


class Room:
    """Memory for work at the same time; what needs more than there is goes alone."""

    def __init__(self, size: int) -> None:
        self._size, self._taken = size, 0
        self._freed = threading.Condition()

    @contextmanager
    def of(self, amount: int) -> Iterator[None]:
        """Wait until there is this much room, and take it."""
        with self._freed:
            self._freed.wait_for(lambda: not self._taken or self._taken + amount <= self._size)
            self._taken += amount
        try:
            yield
        finally:
            with self._freed:
                self._taken -= amount
                self._freed.notify_all()


class Crew(Generic[Item, Result]):
    """A few threads that work off items; results come in the items' order.

    They are daemons: a program waits at its end for the threads of a ThreadPoolExecutor, also for
    one that reads from a network folder that no longer answers.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        threads: int,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._work, self._items = work, items
        self._threads, self._patience_s = threads, patience_s
        self._changed = threading.Condition()
        self._done: dict[int, tuple[Result | None, BaseException | None]] = {}
        self._taken = self._hung = 0
        self._moved = time.monotonic()

    def results(self) -> Iterator[Result | None]:
        """Return the result of each item, None for one that hangs; raises what the work raises.

        An item hangs when nothing at all was finished for as long as `patience_s`. Raises Hung once
        as many hang as there are threads.
        """
        for _ in range(min(self._threads, len(self._items))):
            self._hire()
        try:
            for number in range(len(self._items)):
                yield self._result(number)
        finally:
            with self._changed:
                self._taken = len(self._items)

    def _hire(self) -> None:
        threading.Thread(target=self._labour, name="importing", daemon=True).start()

    def _labour(self) -> None:
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
                self._moved = time.monotonic()
                self._changed.notify_all()

    def _result(self, number: int) -> Result | None:
        with self._changed:
            while number not in self._done:
                left = self._moved + self._patience_s - time.monotonic()
                if left <= 0:
                    self._give_up()
                    return None
                self._changed.wait(left)
            result, error = self._done.pop(number)
        if error is not None:
            raise error
        return result

    def _give_up(self) -> None:
        """Let an item be, and another thread take the place of the one that hangs on it."""
        self._hung += 1
        if self._hung >= self._threads:
            raise Hung
        self._moved = time.monotonic()
        self._hire()
