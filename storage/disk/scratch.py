"""Scratch files that an app or a sampler left behind when it was killed."""

import re
from collections.abc import Iterator
from pathlib import Path

from storage.file_sizes import FreedSpace, remove

SCRATCH = re.compile(
    r"\.[0-9a-f]{16}|"  # an export or an image that was being written
    r"\..+\.[0-9a-f]{8}(\.[a-z0-9]+)?|"  # what a model's process was writing
    r"\.cleanup-[0-9a-f]+|\.palate-\w+|\.\w[\w.-]*\.tmp"
)
"""Names of files that are being written; no hidden file of another program matches."""
FOLDERS = ("", "images", "images/*", "exports", "exports/*", "imports", "imports/*", "snapshots")
"""Not the runs: a trainer may go on in one while the app is started again."""
BEFORE = "before"
"""The name that an export has while a newer one takes its place."""


def sweep(home: Path) -> FreedSpace:
    """Remove half-written files; only at the start of the app that holds the folder."""
    return remove(left_over(home))


def left_over(home: Path) -> Iterator[Path]:
    """Yield the scratch files and folders of a studio."""
    for folder in FOLDERS:
        for path in home.glob(f"{folder}/.*" if folder else ".*"):
            # An export that was about to be replaced lies in its scratch folder, and may be all
            # that is left of it.
            if SCRATCH.fullmatch(path.name) and not (path / BEFORE).exists():
                yield path
