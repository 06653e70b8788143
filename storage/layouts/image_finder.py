"""Images of foreign rows: bytes in a cell, or a file beside the data, and nothing else.

Addresses are never fetched, and no name of a file leads out of the folder in which the data is.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from storage.layouts.data_rows import IMAGE_BYTES, IMAGE_NAMES, DataRow
from storage.layouts.foreign_votes import ForeignImage, ImagePlace
from storage.layouts.values import LeftOut

MISSING = "an image is missing"
ADDRESS = "an image is only an address on the internet, and nothing is fetched"
OUTSIDE = "an image's name leads out of the folder of the data"
NO_FILE = "an image is no file"
BROKEN_BASE64 = "an image in base64 cannot be read"
NO_NAME = "an image is neither bytes nor the name of a file"
MAX_NAME_LENGTH = 1_000
MAX_BASE64_LENGTH = 90_000_000
DRIVE = re.compile(r"[A-Za-z]:")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:")
LOCAL_FILES, UPLOADS = "/data/local-files/", "/data/upload/"
"""Where Label Studio has its images: the names that follow are looked for beside its export."""
MAX_FOLDERS = 10_000
"""Folders that are remembered as those of the data or below it."""


class ImageFinder:
    """Finds the images of the rows of some files."""

    def __init__(self, files: Sequence[Path], beside: Sequence[Path] = ()) -> None:
        """Take files, beside which the images are that they name, or beside those of `beside`."""
        self._files, self._beside = files, beside or files
        self._roots = [path.parent.resolve() for path in self._beside]
        self._inside: dict[Path, bool] = {}

    def find(self, value: Any, row: DataRow, cell: str) -> ForeignImage:
        """Return the image that a cell holds or names; raises LeftOut."""
        if isinstance(value, (bytes, bytearray)):
            place = ImagePlace(self._files[row.file], row.row, cell)
            return ForeignImage(place, bytes(value) or None)
        if isinstance(value, Mapping):
            return self._object(value, row, cell)
        if isinstance(value, list) and len(value) == 1:
            return self.find(value[0], row, f"{cell}[0]")
        if value is None or value == "":
            raise LeftOut(MISSING)
        if not isinstance(value, str):
            raise LeftOut(NO_NAME)
        return self._named(value, row.file)

    def _object(self, value: Mapping[str, Any], row: DataRow, cell: str) -> ForeignImage:
        content = value.get(IMAGE_BYTES)
        if isinstance(content, (bytes, bytearray)):
            return self.find(content, row, f"{cell}.{IMAGE_BYTES}")
        names = (value[key] for key in IMAGE_NAMES if value.get(key))
        return self.find(next(names, None), row, cell)

    def _named(self, name: str, file: int) -> ForeignImage:
        """Return the image of a name, or of a text that has its bytes as base64."""
        if name.startswith("data:"):
            return ForeignImage(None, decoded(name))
        name = name.strip()
        if "://" in name or (SCHEME.match(name) and not DRIVE.match(name)):
            raise LeftOut(ADDRESS)

        reason = MISSING
        for path in candidates(in_folder(name, self._roots[file])):
            for folder in beside(self._beside[file]):
                found = self._file(self._roots[file], os.path.join(folder, path))
                if isinstance(found, Path):
                    return ForeignImage(ImagePlace(found))
                reason = found if reason == MISSING else reason
        raise LeftOut(reason)

    def _file(self, root: Path, name: str) -> Path | str:
        """Return the file of a name in a folder, or the reason why it cannot be used."""
        path = root / name
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                path = path.resolve(strict=True)
                status = os.lstat(path)
            if not self._is_inside(path.parent, root):
                return OUTSIDE
        except (OSError, ValueError, RuntimeError):
            # Not there, a NUL in the name, links that go round.
            return MISSING
        return path if stat.S_ISREG(status.st_mode) else NO_FILE

    def _is_inside(self, folder: Path, root: Path) -> bool:
        """Return whether a folder is within another one, wherever links lead."""
        if folder == root:
            return True
        if folder not in self._inside:
            if len(self._inside) >= MAX_FOLDERS:
                self._inside.clear()
            self._inside[folder] = folder.resolve(strict=True).is_relative_to(root)
        return self._inside[folder]


def beside(data: Path) -> tuple[str, ...]:
    """Return the folders beside a file of data in which its images are looked for.

    Those of test.json are in test/ for HPDv2, and in test_images/ for ImageReward.
    """
    return "", "images", data.stem, f"{data.stem}_images"


def in_folder(name: str, folder: Path) -> str:
    """Return the whole path of a file below a folder as its name in there; others as they are."""
    path, start = name.replace("\\", "/"), f"{folder.as_posix().rstrip('/')}/"
    return path.removeprefix(start) if path.startswith(start) else name


def candidates(name: str) -> Iterator[str]:
    """Yield the names, relative to a folder, that a file may have; raises LeftOut for none."""
    if len(name) > MAX_NAME_LENGTH:
        raise LeftOut(NO_NAME)
    if name.startswith(LOCAL_FILES):
        asked = parse_qs(urlsplit(name).query).get("d", [""])[0]
        names = [asked, asked.rpartition("/")[2]]
    elif name.startswith(UPLOADS):
        rest = unquote(name.removeprefix(UPLOADS))
        names = [f"upload/{rest}", rest, rest.rpartition("/")[2]]
    else:
        names = [name]

    for entry in names:
        path = entry.replace("\\", "/")
        if path.startswith("/") or DRIVE.match(path) or ".." in path.split("/"):
            raise LeftOut(OUTSIDE)
        if path:
            yield path


def decoded(text: str) -> bytes:
    """Return the bytes of a `data:` address; raises LeftOut."""
    head, comma, content = text.partition(",")
    if not comma or not head.endswith(";base64") or len(content) > MAX_BASE64_LENGTH:
        raise LeftOut(BROKEN_BASE64)
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise LeftOut(BROKEN_BASE64) from None
