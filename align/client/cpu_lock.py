"""CPU lock: the trainer waits between steps while the sampler renders on the same CPU.

Two programs that each use every core are several times slower side by side than one after the
other, since threads of one wait at every barrier for threads that the other has preempted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

POLL_INTERVAL_S = 0.01
MAX_WAIT_S = 4.0
"""A trainer waits no longer, so that it makes progress even if images are rendered nonstop."""


class CpuLock:
    """A lock on a file that both processes name; without a file nobody waits."""

    def __init__(self, path: Path | None, max_wait_s: float = MAX_WAIT_S) -> None:
        self._lock = FileLock(path) if path else None
        self._max_wait_s = max_wait_s

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the length of this block, so that the trainer waits."""
        acquired = self._acquire()
        try:
            yield
        finally:
            if acquired:
                self._release()

    def wait_until_free(self) -> bool:
        """Wait until nothing is rendered, for `max_wait_s` at most; return whether that came."""
        acquired = self._acquire()
        if acquired:
            self._release()
        return acquired

    def _acquire(self) -> bool:
        if self._lock is None:
            return False
        try:
            self._lock.acquire(timeout=self._max_wait_s, poll_interval=POLL_INTERVAL_S)
        except (Timeout, OSError):
            # The lock only saves time; a file that cannot be locked must not stop anybody.
            return False
        return True

    def _release(self) -> None:
        assert self._lock is not None
        with contextlib.suppress(OSError):
            self._lock.release()
