"""Progress of an export, and its stop."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from storage.exports.export_errors import ExportStopped

Progress = Callable[[int, int], None]
"""Is told how much is done, of how much."""
Item = TypeVar("Item")


def unwatched(done: int, of: int) -> None:
    """Tell nobody of the progress."""


def watched(
    items: Iterable[Item],
    of: int,
    progress: Progress,
    cancelled: threading.Event | None,
    start: int = 0,
) -> Iterator[Item]:
    """Yield items and report each as done; raises ExportStopped once somebody cancelled."""
    for done, item in enumerate(items, start=start):
        if cancelled is not None and cancelled.is_set():
            raise ExportStopped("The export was stopped. Nothing was changed.")
        # A form may have more rows than votes.
        progress(min(done, of), of)
        yield item
