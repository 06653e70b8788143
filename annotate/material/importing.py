"""Imports of folders, one at a time, watched from outside: no file can hold up the app."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotate.desk import Desk
from annotate.errors import AnnotateError, BadMaterial
from annotate.jobs import TICK_S, Job
from annotate.material.reading import printable
from annotate.material.summary import Progress, Summary
from annotate.material.taking import Import
from annotate.requests import as_text
from annotate.timing import Monotonic
from storage.errors import StorageError
from storage.store import Store

logger = logging.getLogger(__name__)

HEED_S = 5.0
"""So long an import may take to end when it is asked to."""


class Material:
    """Imports of folders, one at a time; safe from any thread."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        base: str,
        kept: Callable[[], set[str]],
        chance: random.Random,
        clock: Monotonic,
        heed_s: float = HEED_S,
    ) -> None:
        """`kept` are the prompts that blind tests have for themselves."""
        self._store, self._desk, self._base = store, desk, base
        self._kept, self._chance, self._clock = kept, chance, clock
        self._heed_s = heed_s
        self._busy = threading.Lock()
        self._closed = False
        self._current: Import | None = None
        self.latest: dict[str, Any] | None = None
        """What came of the newest one."""

    @property
    def progress(self) -> Progress | None:
        """How far the import is that goes on; None while none does."""
        current = self._current
        return current.progress if current is not None else None

    def bring(self, folder: str) -> dict[str, Any]:
        """Bring in every picture of a folder that can be paired, and say what came of each.

        What is here already is not taken twice. Raises BadMaterial or storage's DiskFull.
        """
        text = as_text(folder, "The folder").strip().strip("\"'")
        if not text:
            raise BadMaterial("Name a folder of pictures on the machine that Palate runs on.")
        with self._alone() as current:
            # In a thread of its own: a file on a dead disk may keep it for ever, but nobody else.
            job = Job(lambda: current.bring(Path(text)))
            self._await(job, current, text)
            self.latest = self._outcome(job, text).told()
            return self.latest

    def stop(self) -> None:
        """End the import that goes on; what it has brought stays."""
        current = self._current
        if current is not None:
            current.cancelled.set()

    def close(self) -> None:
        """End the import that goes on, begin no other, and wait until what it brought is kept.

        One that hangs is waited for no longer than when it is stopped.
        """
        self._closed = True
        self.stop()
        if self._busy.acquire(timeout=self._heed_s + 2 * TICK_S):
            self._busy.release()

    @contextmanager
    def _alone(self) -> Iterator[Import]:
        if not self._busy.acquire(blocking=False):
            raise BadMaterial("A folder is being brought in already. Wait for its end, or stop it.")
        try:
            self._current = Import(
                self._store, self._desk, self._base, self._kept, self._chance, self._clock
            )
            if self._closed:
                raise BadMaterial("Palate is closing. Start it again, then bring the folder in.")
            yield self._current
        finally:
            self._current = None
            self._busy.release()

    def _await(self, job: Job, current: Import, folder: str) -> None:
        """Wait for the end of an import, but not long for one that was asked to end."""
        while not job.ended(TICK_S):
            if current.cancelled.is_set() and not job.ended(self._heed_s):
                raise BadMaterial(
                    f"{printable(folder)} was stopped and does not answer: one of its files or "
                    "folders hangs. What was brought in before stays. Check its disk or network."
                )

    def _outcome(self, job: Job, folder: str) -> Summary:
        try:
            summary: Summary = job.result()
            return summary
        except (AnnotateError, StorageError):
            raise
        except Exception as error:
            logger.exception("bringing in %s failed", printable(folder))
            raise BadMaterial(
                f"{printable(folder)} was not brought in whole: {type(error).__name__} "
                f"{printable(str(error))}. What was brought in before stays; the log in the "
                "terminal says more."
            ) from error
