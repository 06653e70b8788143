"""The same work on every file of a folder: watched, stopped at will, and harmed by no file."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from annotate.clock import Monotonic
from annotate.image_import.import_summary import STOPPED, Progress
from annotate.image_import.workers import PATIENCE_S, Crew, Room
from annotate.safe_files import UNREADABLE, SkippedFile, printable
from storage.errors import StorageError

logger = logging.getLogger(__name__)

HANGS = "could not be read in a minute"
MEMORY = 1_200_000_000
"""Bytes that files take while they are read and decoded, all threads together."""
MOST_THREADS = 8
Item = TypeVar("Item")
Made = TypeVar("Made")


class Steps:
    """Work on files by several threads, with its progress."""

    def __init__(self, clock: Monotonic, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self.room = Room(MEMORY)
        self.cancelled = threading.Event()
        self.progress = Progress(clock)

    def each(
        self, work: Callable[[Item], Made | str], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Made | str]]:
        """Return what becomes of each item: what is made of it, or why it is left out."""
        threads = min(MOST_THREADS, os.cpu_count() or 1)
        crew = Crew(work, items, threads, self._patience_s)
        for item, made in zip(items, crew.results(), strict=True):
            self.progress.done += 1
            yield item, HANGS if made is None else made

    def safely(self, work: Callable[[], Made], path: Path) -> Made | str:
        """Return what is made of a file, or why it is left out: no error costs another file."""
        if self.cancelled.is_set():
            return STOPPED
        try:
            return work()
        except SkippedFile as skip:
            return str(skip)
        except StorageError:
            raise
        except Exception:
            logger.exception("%s could not be brought in", printable(str(path)))
            return UNREADABLE
