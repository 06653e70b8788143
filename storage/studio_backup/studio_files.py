"""Files of a studio that a backup takes along, and those that can be made again.

Everything in the folder is taken along, so that what a later Palate keeps there is too, but for
what is named here.
"""

import os
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from storage.disk.scratch import SCRATCH
from storage.file_sizes import File, walk

SNAPSHOTS, CHECKPOINTS = "snapshots", "checkpoints"
OPTIONAL = {
    SNAPSHOTS: ("snapshots/*", "runs/*/snapshot/*"),
    CHECKPOINTS: ("runs/*/checkpoint/*", "runs/*/start.safetensors"),
}
"""Kinds of files that come along if asked for; a version needs neither."""
NEVER = (
    # The database comes from a copy, as of one moment; its own copies are of other moments.
    "palate.duckdb*", "copies/*", "palate.damaged-*",
    # Made again when they are needed.
    "cache/*", "runs/*/cache/*", "exports/*",
    # Of processes that are running.
    "*.lock", "runs/*/cancel", "runs/*/pause", "*.pid",
)  # fmt: skip
IMAGE = re.compile(r"images/[0-9a-f]{2}/([0-9a-f]{64})\.[a-z]+")


def studio_files(home: Path, include: Collection[str] = ()) -> Iterator[tuple[str, File]]:
    """Yield the files of a studio by their paths below it.

    A folder of it that is a link, as to a larger disk, is followed; other links are left out.
    """
    left_out = [
        *NEVER,
        *(each for kind in OPTIONAL if kind not in include for each in OPTIONAL[kind]),
    ]
    for path, file in all_files(home):
        if any(SCRATCH.fullmatch(part) for part in path.split("/")):
            continue
        if not any(fnmatchcase(path, pattern) for pattern in left_out):
            yield path, file


def all_files(home: Path) -> Iterator[tuple[str, File]]:
    """Yield every file below a folder by its path."""
    for name in sorted(os.listdir(home)):
        top = home / name
        if top.is_symlink() and top.is_dir():
            top = top.resolve()
        for file in walk(top):
            yield (Path(name) / file.path.relative_to(top)).as_posix(), file


def named_by_its_hash(path: str) -> str | None:
    """Return the SHA-256 in the name of an image of the studio, None for any other file.

    Such a file is written once and never again, so a second name of it is as good as a copy.
    """
    match = IMAGE.fullmatch(path)
    return match[1] if match else None
