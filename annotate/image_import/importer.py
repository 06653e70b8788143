"""Imports of folders, one at a time, watched from outside: no file can hold up the app."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from annotate.background import TICK_S, BackgroundJob
from annotate.errors import AnnotateError, InvalidImport
from annotate.image_import.context import ImportContext
from annotate.image_import.import_job import Import
from annotate.image_import.import_summary import Progress
from annotate.image_import.preview import Preview
from annotate.image_import.scan import Outcomes
from annotate.image_import.workers import Hung
from annotate.safe_files import printable
from annotate.validation import as_text
from storage.errors import StorageError

logger = logging.getLogger(__name__)

Made = TypeVar("Made")
HEED_S = 5.0
"""So long an import may take to end when it is asked to."""


class ImageImporter:
    """Imports of folders, one at a time; safe from any thread."""

    def __init__(self, supplies: ImportContext, heed_s: float = HEED_S) -> None:
        self._supplies, self._heed_s = supplies, heed_s
        self._busy = threading.Lock()
        self._closed = False
        self._current: Import | None = None
        self._read: tuple[str, Outcomes] = "", {}
        """What the newest look read, and in which folder, for the import that may follow."""
        self.latest: dict[str, Any] | None = None
        """What came of the newest import."""

    @property
    def progress(self) -> Progress | None:
        """How far the import is that goes on; None while none does."""
        current = self._current
        return current.progress if current is not None else None

    def look(self, folder: str) -> Preview:
        """Say what bringing a folder in would bring, without bringing anything.

        What it reads is kept for `bring`. Raises InvalidImport.
        """
        text = _named(folder)
        with self._alone() as current:
            self.forget()
            read, preview = self._done(lambda: current.look(Path(text)), current, text)
            self._read = text, read
            return preview

    def bring(self, folder: str) -> dict[str, Any]:
        """Bring in every image of a folder that can be paired, and say what came of each.

        What is here already is not taken twice. Raises InvalidImport or storage's DiskFull.
        """
        text = _named(folder)
        with self._alone() as current:
            before = self._read[1] if self._read[0] == text else {}
            self.forget()
            summary = self._done(lambda: current.bring(Path(text), before), current, text)
            self.latest = summary.told()
            return self.latest

    def forget(self) -> None:
        """Let go of what the newest look read: nothing of it will be brought in."""
        self._read = "", {}

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
        self.forget()
        self.stop()
        if self._busy.acquire(timeout=self._heed_s + 2 * TICK_S):
            self._busy.release()

    @contextmanager
    def _alone(self) -> Iterator[Import]:
        if not self._busy.acquire(blocking=False):
            raise InvalidImport("A folder is being read already. Wait for its end, or stop it.")
        try:
            self._current = Import(self._supplies)
            if self._closed:
                raise InvalidImport("Palate is closing. Start it again, then bring the folder in.")
            yield self._current
        finally:
            self._current = None
            self._busy.release()

    def _done(self, work: Callable[[], Made], current: Import, folder: str) -> Made:
        """Do the work of an import in a thread of its own: a file on a dead disk may keep that for
        ever, but nobody else.
        """
        job = BackgroundJob(work)
        self._await(job, current, folder)
        try:
            made: Made = job.result()
            return made
        except (AnnotateError, StorageError):
            raise
        except Hung:
            raise InvalidImport(
                f"{printable(folder)} does not answer: reading its files hangs. What was brought "
                "in before stays. Check its disk or network, then bring it in again."
            ) from None
        except Exception as error:
            logger.exception("bringing in %s failed", printable(folder))
            raise InvalidImport(
                f"{printable(folder)} was not brought in whole: {type(error).__name__} "
                f"{printable(str(error))}. What was brought in before stays; the log in the "
                "terminal says more."
            ) from error

    def _await(self, job: BackgroundJob, current: Import, folder: str) -> None:
        """Wait for the end of an import, but not long for one that was asked to end."""
        while not job.ended(TICK_S):
            if current.cancelled.is_set() and not job.ended(self._heed_s):
                raise InvalidImport(
                    f"{printable(folder)} was stopped and does not answer: one of its files or "
                    "folders hangs. What was brought in before stays. Check its disk or network."
                )


def _named(folder: Any) -> str:
    """The name of a folder as somebody typed or pasted it."""
    text = as_text(folder, "The folder").strip().strip("\"'")
    if not text:
        raise InvalidImport("Name a folder of images on the machine that Palate runs on.")
    return text
