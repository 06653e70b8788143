"""What every form of an export has: writing, reading back, and a list of what it loses."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from storage.exports.export_errors import BrokenExport
from storage.exports.exported_votes import ExportedImage, ExportedVote
from storage.exports.image_bytes import ImageBytes
from storage.exports.written_rows import WrittenRows, differs

IMAGES = "images"
"""Folder of the images of forms that name each image once."""


class Form(ABC):
    """One export in a form, from its first vote until it was read back."""

    title: ClassVar[str]
    """What it is, in a few words."""
    read_by: ClassVar[str]
    """Programs that read it."""
    loses: ClassVar[Mapping[str, str]]
    """What it does not hold: by field of a vote, a sentence for people."""

    def __init__(self, images: ImageBytes) -> None:
        self.images = images
        self.written = WrittenRows()
        self.left_out: Counter[str] = Counter()
        """Votes that it cannot hold, by reason."""

    @abstractmethod
    def write(self, work: Path, votes: Iterable[ExportedVote]) -> None:
        """Write votes into an empty folder, and take down each row as it has to be read back."""

    @abstractmethod
    def read(self, work: Path) -> Iterator[Any]:
        """Yield the rows of a folder that was written."""

    def compare(self, rows: Iterable[Any]) -> None:
        """Raise BrokenExport unless these rows, which `read` yields, are what was written."""
        self.written.compare(rows)

    def put_image(self, work: Path, image: ExportedImage) -> str:
        """Write an image among the images of a form, once, and return its path in the form."""
        name = f"{IMAGES}/{image.name}"
        path = work / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(self.images.read(image))
        return name


def time_text(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC; None for none."""
    return f"{time.isoformat()}Z" if time else None


def check_images(work: Path) -> None:
    """Raise BrokenExport unless each file among the images has the bytes that its name tells."""
    for path in (work / IMAGES).glob("*"):
        if digest_of(path) != path.stem:
            raise differs(f"{IMAGES}/{path.name} is not the image that was written")


def hash_in(work: Path, name: str) -> str:
    """Return the hash in an image's path; raises BrokenExport if the file is not there."""
    if not (work / name).is_file():
        raise differs(f"{name} is missing")
    return Path(name).stem


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; raises BrokenExport if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise missing(path) from error


def missing(path: Path) -> BrokenExport:
    """Return the error for a file that was written and is not there."""
    return differs(f"{path.name} is missing")
