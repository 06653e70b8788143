"""Tasks on every file of a folder: in parallel, with progress, and harmed by no single file."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from annotate.clock import Monotonic
from annotate.image_import.import_summary import STOPPED, ImportProgress
from annotate.image_import.workers import STALL_TIMEOUT_S, MemoryBudget, WorkerPool
from storage.errors import StorageError
from storage.safe_files import UNREADABLE, SkippedFile, printable

logger = logging.getLogger(__name__)

HANGS = "could not be read in a minute"
MEMORY_LIMIT_BYTES = 1_200_000_000
"""Memory for files that are read and decoded at the same time, all threads together."""
MAX_THREADS = 8
Item = TypeVar("Item")
Result = TypeVar("Result")


class FileTasks:
    """Parallel tasks on files, which can be canceled, with their progress."""

    def __init__(self, clock: Monotonic, stall_timeout_s: float = STALL_TIMEOUT_S) -> None:
        self._stall_timeout_s = stall_timeout_s
        self.memory = MemoryBudget(MEMORY_LIMIT_BYTES)
        self.cancelled = threading.Event()
        self.progress = ImportProgress(clock)

    def map(
        self, work: Callable[[Item], Result | str], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Result | str]]:
        """Yield each item with its result, or with a text that says why it was skipped."""
        threads = min(MAX_THREADS, os.cpu_count() or 1)
        pool = WorkerPool(work, items, threads, self._stall_timeout_s)
        for item, result in zip(items, pool.results(), strict=True):
            self.progress.done += 1
            yield item, HANGS if result is None else result

    def run_safely(self, work: Callable[[], Result], path: Path) -> Result | str:
        """Return the result of work on a file, or why it was skipped.

        An error of one file must not end the import of the others; only storage's errors, such as a
        full disk, are raised.
        """
        if self.cancelled.is_set():
            return STOPPED

        try:
            return work()
        except SkippedFile as skip:
            return str(skip)
        except StorageError:
            raise
        except Exception:
            logger.exception("%s could not be imported", printable(str(path)))
            return UNREADABLE
