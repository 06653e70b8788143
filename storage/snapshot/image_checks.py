"""Image checks: stored images are there, with the bytes that were voted on."""

import hashlib
import os
import stat
import threading
from collections.abc import Iterable
from pathlib import Path

from storage.studio_folder import StudioFolder

GONE, DAMAGED, UNREADABLE = "gone", "damaged", "unreadable"
Stamp = tuple[int, int, int]
"""Modification time in ns, size in bytes and inode: they change if somebody writes to a file."""


class ImageChecks:
    """Finds image files that no run can train on; thread-safe.

    An image is named by the SHA-256 of its bytes, so reading it tells whether it is damaged. Each
    file is read once in the life of the app, and again only after somebody wrote to it.
    """

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder
        self._known: dict[str, tuple[Stamp, bool]] = {}
        self._guard = threading.Lock()

    def faults(self, hashes: Iterable[str], most_bytes: int | None = None) -> dict[str, str]:
        """Return the faults of images, by hash; a sound one is missing.

        With `most_bytes`, no more is read, and images that were not read count as sound for now.
        """
        faults: dict[str, str] = {}
        room = most_bytes
        for sha256 in dict.fromkeys(hashes):
            fault, read = self._fault(self._folder.image(sha256), sha256, room)
            room = None if room is None else room - read
            if fault is not None:
                faults[sha256] = fault
        return faults

    def fault_of_file(self, path: Path, sha256: str) -> str | None:
        """Return the fault of the file of an image, whatever its suffix; None for a sound one."""
        return self._fault(path, sha256, None)[0]

    def _fault(self, path: Path, sha256: str, room: int | None) -> tuple[str | None, int]:
        """Return the fault of one image, and the number of bytes read to find it."""
        try:
            status = os.stat(path)
            # Never opened: reading a named pipe would wait for ever.
            if not stat.S_ISREG(status.st_mode) or not status.st_size:
                return DAMAGED, 0

            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            with self._guard:
                known = self._known.get(sha256)
            if known is None or known[0] != stamp:
                if room is not None and status.st_size > room:
                    return None, 0
                known = (stamp, digest_of(path) == sha256)
                with self._guard:
                    self._known[sha256] = known
                return (None if known[1] else DAMAGED), status.st_size
            return (None if known[1] else DAMAGED), 0
        except FileNotFoundError:
            return GONE, 0
        except OSError:
            return UNREADABLE, 0


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
