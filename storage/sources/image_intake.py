"""Image intake: the images of foreign votes, each checked and numbered once for its content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from storage.layouts.foreign_votes import ForeignImage
from storage.sources.image_headers import ImageHeader, NotAnImage, read_image_header

MAX_FILE_BYTES = 256_000_000
KNOWN_PATHS = 100_000
"""Paths of files that are remembered, so that a file that many rows name is read once."""
MISSING = "an image is missing"
NO_FILE = "an image is no file"
UNREADABLE = "an image cannot be read"
TOO_HEAVY = "an image has more than 256 MB"


class NewImage(NamedTuple):
    """An image that the source had not before."""

    number: int
    sha256: str
    header: ImageHeader
    file: int | None
    """Index of the Parquet file that it is a cell of; None if it becomes a file of the studio."""
    row: int | None
    cell: str | None
    content: bytes | None
    """The bytes, where it becomes a file of the studio."""


class ImageIntake:
    """Numbers the images of one source.

    It remembers some 150 bytes for each content, and no more of an image.
    """

    def __init__(self, files: Mapping[Path, int]) -> None:
        """Take images that are files, or cells of `files`, which have their index."""
        self._files = files
        self._known: dict[bytes, int | str] = {}
        self._paths: dict[str, int | str] = {}
        self.count = 0
        """Images that were numbered."""
        self.new: list[NewImage] = []
        """Those that nobody has taken from here yet."""

    def take(self, image: ForeignImage) -> int | str:
        """Return the number of an image, or the reason why it cannot be used."""
        if image.place.row is not None:
            return MISSING if image.content is None else self._content(image.content, image)

        path = str(image.place.file)
        if path not in self._paths:
            if len(self._paths) >= KNOWN_PATHS:
                self._paths.clear()
            self._paths[path] = self._file(image)
        return self._paths[path]

    def _file(self, image: ForeignImage) -> int | str:
        content = read_image_file(image.place.file) if image.content is None else image.content
        return content if isinstance(content, str) else self._content(content, image)

    def _content(self, content: bytes, image: ForeignImage) -> int | str:
        digest = hashlib.sha256(content).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._known[digest] = self._checked(content, digest, image)
        return known

    def _checked(self, content: bytes, digest: bytes, image: ForeignImage) -> int | str:
        try:
            header = read_image_header(content)
        except NotAnImage as error:
            return str(error)

        number, place = self.count, image.place
        if place.row is None:
            new = NewImage(number, digest.hex(), header, None, None, None, content)
        else:
            file = self._files[place.file]
            new = NewImage(number, digest.hex(), header, file, place.row, place.column, None)
        self.new.append(new)
        self.count += 1
        return number


def read_image_file(path: Path) -> bytes | str:
    """Return the bytes of a file, or the reason why they cannot be read."""
    try:
        # A named pipe would wait for ever for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return NO_FILE
            if status.st_size > MAX_FILE_BYTES:
                return TOO_HEAVY
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return MISSING
    except IsADirectoryError:
        return NO_FILE
    except (OSError, ValueError):
        return UNREADABLE
