"""Importer of folders: previews and imports, one at a time, none of which can hang the app."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from align.contracts.errors import PalateError
from annotate.background import TICK_S, BackgroundJob
from annotate.errors import InvalidImport
from annotate.image_import.context import ImportContext
from annotate.image_import.import_job import ImportJob
from annotate.image_import.import_summary import ImportProgress
from annotate.image_import.preview import ImportPreview
from annotate.image_import.scan import Outcomes
from annotate.image_import.uploaded_images import UploadedImages
from annotate.image_import.workers import WorkersHung
from annotate.validation import as_text
from annotate.views.image_import import ImportSummaryView
from storage.safe_files import printable

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
STOP_TIMEOUT_S = 5.0
"""Seconds that a canceled import has to end, before it counts as hanging."""


class ImageImporter:
    """Importer of folders, one at a time; thread-safe."""

    def __init__(self, context: ImportContext, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self._context, self._stop_timeout_s = context, stop_timeout_s
        self._busy = threading.Lock()
        self._closed = False
        self._current: ImportJob | None = None
        self._previewed: tuple[str, Outcomes] = "", {}
        """Folder and outcomes of the newest preview, for the import that may follow."""
        self.uploads = UploadedImages()
        self.latest: ImportSummaryView | None = None
        """The summary of the newest import."""

    @property
    def progress(self) -> ImportProgress | None:
        """Progress of the import under way, or None."""
        current = self._current
        return current.progress if current is not None else None

    def preview(self, folder: str) -> ImportPreview:
        """Return what importing a folder would add; import nothing.

        What it reads is kept for `import_folder`. Raises InvalidImport.
        """
        name = folder_name(folder)
        with self._exclusive_job() as job:
            self.clear_preview()
            outcomes, preview = self._run(lambda: job.preview(Path(name)), job, name)
            self._previewed = name, outcomes
            return preview

    def import_folder(self, folder: str) -> ImportSummaryView:
        """Import every image of a folder that can be paired, and return a summary.

        Images that were imported before are not added twice. Raises InvalidImport or storage's
        DiskFull.
        """
        name = folder_name(folder)
        with self._exclusive_job() as job:
            before = self._previewed[1] if self._previewed[0] == name else {}
            self.clear_preview()
            summary = self._run(lambda: job.run(Path(name), before), job, name)
            self.latest = summary.as_dict()
            return self.latest

    def clear_preview(self) -> None:
        """Free the memory of the newest preview."""
        self._previewed = "", {}

    def forget(self) -> None:
        """Forget the newest preview, and remove the files that were uploaded for it."""
        self.clear_preview()
        self.uploads.discard()

    def stop(self) -> None:
        """Cancel the import under way; the images it has imported stay."""
        current = self._current
        if current is not None:
            current.cancelled.set()

    def close(self) -> None:
        """Cancel the import under way, refuse others, and wait until its images are stored.

        An import that hangs is waited for only as long as when it is stopped.
        """
        self._closed = True
        self.forget()
        self.stop()
        if self._busy.acquire(timeout=self._stop_timeout_s + 2 * TICK_S):
            self._busy.release()

    @contextmanager
    def _exclusive_job(self) -> Iterator[ImportJob]:
        """Yield a new job; raises InvalidImport while another one is under way."""
        if not self._busy.acquire(blocking=False):
            raise InvalidImport("A folder is being read already. Wait for its end, or stop it.")

        try:
            self._current = ImportJob(self._context)
            if self._closed:
                raise InvalidImport("Palate is closing. Start it again, then bring the folder in.")
            yield self._current
        finally:
            self._current = None
            self._busy.release()

    def _run(self, work: Callable[[], Result], job: ImportJob, folder: str) -> Result:
        """Run the work of a job in a thread of its own, and turn its errors into sentences.

        A file on a dead disk may block that thread for ever, but not its caller.
        """
        background = BackgroundJob(work)
        self._await(background, job, folder)

        try:
            result: Result = background.result()
            return result
        except PalateError:
            raise
        except WorkersHung:
            raise InvalidImport(
                f"{printable(folder)} does not answer: reading its files hangs. What was brought "
                "in before stays. Check its disk or network, then bring it in again."
            ) from None
        except Exception as error:
            logger.exception("the import of %s failed", printable(folder))
            raise InvalidImport(
                f"{printable(folder)} was not brought in whole: {type(error).__name__} "
                f"{printable(str(error))}. What was brought in before stays; the log in the "
                "terminal says more."
            ) from error

    def _await(self, background: BackgroundJob, job: ImportJob, folder: str) -> None:
        """Wait for the end of a job; raises InvalidImport for a canceled one that hangs."""
        while not background.ended(TICK_S):
            if job.cancelled.is_set() and not background.ended(self._stop_timeout_s):
                raise InvalidImport(
                    f"{printable(folder)} was stopped and does not answer: one of its files or "
                    "folders hangs. What was brought in before stays. Check its disk or network."
                )


def folder_name(folder: Any) -> str:
    """Return the name of a folder without the quotes that file managers paste around it.

    Raises InvalidImport for an empty one.
    """
    text = as_text(folder, "The folder").strip().strip("\"'")
    if not text:
        raise InvalidImport("Name a folder of images on the machine that Palate runs on.")
    return text
