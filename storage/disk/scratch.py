"""Scratch files that an app or a model's process left behind when it was killed."""

import re
from collections.abc import Iterator
from pathlib import Path

from storage.file_sizes import FreedSpace, remove

SCRATCH = re.compile(
    r"\.[0-9a-f]{16}|"  # an export or an image that was being written
    r"\..+\.[0-9a-f]{8}(\.[a-z0-9]+)?|"  # what a model's process was writing
    r"\.cleanup-[0-9a-f]+|\.palate-\w+|\.\w[\w.-]*\.tmp"
)
"""Names that Palate gives to what is not written yet; nobody else's hidden file has one."""
FOLDERS = ("", "images", "images/*", "exports", "exports/*", "imports", "imports/*", "snapshots")
"""Not the runs: a trainer may go on in one while the app is started again."""
BEFORE = "before"


def sweep(home: Path) -> FreedSpace:
    """Remove what was left half written; only by the app that holds the folder, as it starts."""
    return remove(left_over(home))


def left_over(home: Path) -> Iterator[Path]:
    """Return the scratch files and folders of a studio."""
    for folder in FOLDERS:
        for path in home.glob(f"{folder}/.*" if folder else ".*"):
            # An export that was about to be replaced lies in its scratch folder, and may be all
            # that is left of it.
            if SCRATCH.fullmatch(path.name) and not (path / BEFORE).exists():
                yield path
