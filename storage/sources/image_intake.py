"""Image intake: the images of foreign votes, each checked and numbered once for its content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
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
SAME_IMAGE = "both images are the same"


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


class LookedAt(NamedTuple):
    """An image that can be used."""

    image: ForeignImage
    digest: bytes
    header: ImageHeader | None
    """None where the source has it already."""
    content: bytes


class ImageIntake:
    """Numbers the images of one source.

    It remembers some 150 bytes for each content, and no more of an image.
    """

    def __init__(self, files: Mapping[Path, int]) -> None:
        """Take images that are files, or cells of `files`, which have their index."""
        self._files = files
        self._numbers: dict[bytes, int] = {}
        self._faults: dict[bytes, str] = {}
        self._paths: dict[str, bytes | str] = {}
        self._new: list[NewImage] = []
        self.held_bytes = 0
        """Bytes of new images that nobody has taken from here yet."""

    @property
    def count(self) -> int:
        """Count the images that have a number."""
        return len(self._numbers)

    def look(self, image: ForeignImage) -> LookedAt | str:
        """Look at an image: return what is to be known of it, or why it cannot be used."""
        place = image.place
        if place is None or place.row is not None:
            return MISSING if image.content is None else self._look_at(image, image.content)

        path = str(place.file)
        known = self._paths.get(path)
        if isinstance(known, str):
            return known
        if known is not None:
            return LookedAt(image, known, None, b"")
        content = read_image_file(place.file) if image.content is None else image.content
        found = content if isinstance(content, str) else self._look_at(image, content)
        if isinstance(found, str):
            self._remember(path, found)
        return found

    def look_at_all(self, images: Sequence[ForeignImage]) -> list[LookedAt] | str:
        """Look at the images of a vote: return what is to be known of them, or why they give none.

        None of them has a number by that.
        """
        found: list[LookedAt] = []
        for image in images:
            looked_at = self.look(image)
            if isinstance(looked_at, str):
                return looked_at
            found.append(looked_at)
        return SAME_IMAGE if len({each.digest for each in found}) < len(found) else found

    def number(self, found: LookedAt) -> int:
        """Return the number of an image, giving it one if the source had not got it."""
        number = self._numbers.get(found.digest)
        if number is None and found.header is not None:
            number = self._numbers[found.digest] = self.count
            self._new.append(self._as_new(number, found, found.header))
        place = found.image.place
        if place is not None and place.row is None:
            self._remember(str(place.file), found.digest)
        assert number is not None
        return number

    def taken(self) -> list[NewImage]:
        """Return the new images since the last call."""
        new, self._new, self.held_bytes = self._new, [], 0
        return new

    def _look_at(self, image: ForeignImage, content: bytes) -> LookedAt | str:
        digest = hashlib.sha256(content).digest()
        if digest in self._numbers:
            return LookedAt(image, digest, None, content)
        if digest in self._faults:
            return self._faults[digest]
        try:
            return LookedAt(image, digest, read_image_header(content), content)
        except NotAnImage as error:
            self._faults[digest] = str(error)
            return str(error)

    def _as_new(self, number: int, found: LookedAt, header: ImageHeader) -> NewImage:
        place, sha256 = found.image.place, found.digest.hex()
        if place is not None and place.row is not None:
            file = self._files[place.file]
            return NewImage(number, sha256, header, file, place.row, place.column, None)
        self.held_bytes += len(found.content)
        return NewImage(number, sha256, header, None, None, None, found.content)

    def _remember(self, path: str, known: bytes | str) -> None:
        if len(self._paths) >= KNOWN_PATHS:
            self._paths.clear()
        self._paths[path] = known


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
