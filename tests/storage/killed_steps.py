"""Steps of a process, at one of which it kills itself, before it or after it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any


class KilledSteps:
    """Counts the points before and after each step, prints their names, and kills at one of them.

    Whoever reads what is printed knows how many there are.
    """

    def __init__(self, point: int, with_paths: bool = False) -> None:
        self._point, self._with_paths, self._reached = point, with_paths, 0

    def watch(self, place: Any, name: str, called: str = "") -> None:
        """Make a step of a function of a module, or of a method of a class."""
        setattr(place, name, self._around(called or name, getattr(place, name)))

    def _around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            paths = [Path(each).name for each in given if isinstance(each, str | Path)]
            what = " ".join([name, *(paths if self._with_paths else [])])
            self._reach(f"before {what}")
            result = work(*given, **named)
            self._reach(f"after {what}")
            return result

        return wrapped

    def _reach(self, name: str) -> None:
        self._reached += 1
        print(name, flush=True)
        if self._reached == self._point:
            os.kill(os.getpid(), signal.SIGKILL)
