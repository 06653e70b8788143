"""Uploaded images: files that a browser sent, in one folder until they are imported."""

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from annotate.errors import InvalidImport

PREFIX = "palate-uploads-"


class UploadedImages:
    """The folder of the newest upload, among the temporary files of the machine; thread-safe."""

    def __init__(self) -> None:
        self._folder = ""
        self._guard = threading.Lock()

    def collect(self, files: Sequence[str]) -> str:
        """Move uploaded files into a new folder, and return its name; raises InvalidImport.

        Captions lie beside their images again, as before the upload.
        """
        if not files:
            raise InvalidImport("No file was sent. Choose at least one image.")
        self.discard()
        folder = Path(mkdtemp(prefix=PREFIX))
        for file in map(Path, files):
            shutil.move(file, free_name(folder, file.name))
        with self._guard:
            self._folder = str(folder)
        return str(folder)

    def discard(self) -> None:
        """Remove the folder; what was imported is kept in the studio."""
        with self._guard:
            folder, self._folder = self._folder, ""
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def free_name(folder: Path, name: str) -> Path:
    """Return the path of a name in a folder, with a number before it where it is taken."""
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{number}-{name}"
    return path
