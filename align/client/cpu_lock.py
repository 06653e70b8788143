"""A processor shared by two processes: the trainer waits while the sampler draws.

Two programs that each use every core are several times slower side by side than in turn, since
threads of one wait at every barrier for threads that the other has put aside.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

LOOK_EVERY_S = 0.01
LONGEST_WAIT_S = 4.0
"""A trainer waits no longer, so that it gets on even if images are drawn without a pause."""


class CpuLock:
    """Whose turn it is, by a lock on a file; without a file everybody goes at once."""

    def __init__(self, path: Path | None, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._lock = FileLock(path) if path else None
        self._longest_wait_s = longest_wait_s

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Make the trainer wait for the length of this block."""
        taken = self._take()
        try:
            yield
        finally:
            if taken:
                self._give()

    def wait_until_free(self) -> bool:
        """Wait until nobody draws, at most the longest wait; returns whether nobody does."""
        taken = self._take()
        if taken:
            self._give()
        return taken

    def _take(self) -> bool:
        if self._lock is None:
            return False
        try:
            self._lock.acquire(timeout=self._longest_wait_s, poll_interval=LOOK_EVERY_S)
        except (Timeout, OSError):
            # Turns only save time; a file that cannot be locked must not stop anybody.
            return False
        return True

    def _give(self) -> None:
        assert self._lock is not None
        with contextlib.suppress(OSError):
            self._lock.release()
