"""LoRAs under the base: files in the studio folder, named by the file that each was made from."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import DiskFull
from storage.records import new_id
from storage.studio_folder import StudioFolder

HASH_LENGTH = 16
"""Digits of a hash in a folder's name, as in recipes: enough to tell files apart."""


class BaseLoras:
    """The folder of LoRAs that images of a studio were rendered with; none is ever removed."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder.loras

    def path(self, sha256: str, name: str) -> Path:
        """Return the path of the LoRA made from a file of this hash and name, there or not."""
        return self._folder / sha256[:HASH_LENGTH] / name

    @contextmanager
    def adding(self) -> Iterator[Path]:
        """Yield a scratch path for a LoRA, removed afterwards if it was not kept."""
        scratch = self._folder / f".{new_id()}.safetensors"
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise DiskFull(
                f"{self._folder} could not be made: {error.strerror or error}. "
                "Free some space on its disk, then try again."
            ) from error
        try:
            yield scratch
        finally:
            scratch.unlink(missing_ok=True)

    def keep(self, scratch: Path, sha256: str, name: str) -> Path:
        """Give a LoRA its place, and return its path."""
        path = self.path(sha256, name)
        path.parent.mkdir(exist_ok=True)
        os.replace(scratch, path)
        return path
