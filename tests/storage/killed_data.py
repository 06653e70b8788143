"""A process that backs up, restores or merges, and kills itself at one of its steps.

python killed_data.py POINT backup HOME TARGET
python killed_data.py POINT restore TARGET HOME [replace]
python killed_data.py POINT merge HOME OTHER

Prints the name of each step on its way, so that whoever reads it knows how many there are: before
and after each rename, link, removal, sync and commit.
"""

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from killed_steps import KilledSteps

from storage import Store
from storage.database import Database
from storage.merging import logs, rows
from storage.merging.merge import Merge
from storage.studio_backup import backup, stored_files
from storage.studio_backup.backup import Backup
from storage.studio_backup.moment import from_folder
from storage.studio_backup.restore import Restore

MERGED = datetime(2026, 6, 1)
"""The time at which every merge is made, so that its rows do not differ."""


def watch(point: int) -> None:
    """Make a point of everything that leaves something on the disk."""
    steps = KilledSteps(point, with_paths=True)
    for module, name in (
        (os, "replace"), (os, "rename"), (os, "link"), (os, "unlink"), (os, "sync"), (os, "fsync"),
        (Path, "unlink"), (shutil, "rmtree"), (shutil, "copyfile"),
        (Database, "write"), (Database, "copy_to"), (stored_files, "copy_and_hash"),
        (backup, "write_manifest"), (rows, "make_room"), (logs, "advance_sequences"),
    ):  # fmt: skip
        steps.watch(module, name)


def main(point: int, what: str, first: Path, second: Path, *more: str) -> None:
    """Run one of the three, as the command does."""
    if what == "backup":
        watch(point)
        Backup(first, second, from_folder(first)).write()
    elif what == "restore":
        watch(point)
        Restore(first, second, replace="replace" in more).write()
    else:
        with Store(first) as store:
            watch(point)
            Merge(store, second, clock=lambda: MERGED).write()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:])
