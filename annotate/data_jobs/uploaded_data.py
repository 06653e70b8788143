"""Uploaded files of votes: put together as they lay on the person's machine, until brought in."""

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

from annotate.errors import InvalidRequest

PREFIX = "palate-data-"
MAX_DEPTH = 12
MAX_NAME_LENGTH = 200


class UploadedData:
    """The files of the newest upload, among the temporary files of the machine; thread-safe."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._guard = threading.Lock()

    def collect(self, files: Sequence[tuple[str, str]], uploads: Path) -> Path:
        """Move uploaded files to where their names say; return the file, or the folder, to read.

        Each is a path on this machine and the name that it had on the other one. `uploads` is the
        folder into which the server puts what browsers send: nothing else is moved. Raises
        InvalidRequest.
        """
        if not files:
            raise InvalidRequest("No file was sent. Choose at least one.")
        sent = [sent_file(path, uploads) for path, _ in files]
        names = [within(name) for _, name in files]

        self.discard()
        folder = Path(mkdtemp(prefix=PREFIX))
        with self._guard:
            self._folder = folder
        for file, name in zip(sent, names, strict=True):
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, place)
        # One file, or the one folder that was dropped.
        (first, *others) = folder.iterdir()
        return folder if others else first

    def holds(self, path: Path) -> bool:
        """Return whether a path is of the newest upload."""
        return self._folder is not None and path.is_relative_to(self._folder)

    def discard(self) -> None:
        """Remove what was uploaded; what was brought in is kept in the studio."""
        with self._guard:
            folder, self._folder = self._folder, None
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def sent_file(path: str, uploads: Path) -> Path:
    """Return a file that a browser sent; raises InvalidRequest for any other of the machine."""
    file = Path(path).resolve()
    if not file.is_relative_to(uploads.resolve()) or not file.is_file():
        raise InvalidRequest("A file that was sent is not there any more. Choose the files again.")
    return file


def within(name: str) -> PurePosixPath:
    """Return a name below a folder; raises InvalidRequest for one that would lead out of it."""
    path = PurePosixPath(name.replace("\\", "/"))
    good = all(
        part not in ("..", "/") and part.isprintable() and ":" not in part for part in path.parts
    )
    short = len(path.parts) <= MAX_DEPTH and all(len(p) <= MAX_NAME_LENGTH for p in path.parts)
    if not path.parts or path.is_absolute() or not good or not short:
        raise InvalidRequest(f"{name[:80]!r} is no name that a file can have. Rename it first.")
    return path
