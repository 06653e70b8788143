"""A process that brings a source in, or removes one, and kills itself at one of its steps.

python killed_import.py HOME FILES WHAT POINT     WHAT is files, copy or remove

Prints the name of each step on its way, so that whoever reads it knows how many there are.
"""

import os
import shutil
import sys
from pathlib import Path

from killed_steps import KilledSteps
from source_making import new_source, read_cells, read_files
from storage_making import BASE

from storage import Store
from storage.database import Database
from storage.sources import source_batches, source_cleanup, source_import


def main(home: Path, files: Path, what: str, point: int) -> None:
    source_batches.BATCH_ROWS = 5
    source_cleanup.IMAGES_AT_A_TIME = source_cleanup.ROWS_AT_A_TIME = 5
    with Store(home) as store:
        steps = KilledSteps(point)
        for place, name, called in (
            (Database, "write", "commit"), (os, "replace", "rename"), (os, "unlink", "unlink"),
            (Path, "unlink", "unlink"), (shutil, "rmtree", "rmtree"),
            (source_import, "sync_disk", "sync"), (source_import, "place_files", "placing"),
        ):  # fmt: skip
            steps.watch(place, name, called)
        if what == "remove":
            store.sources.remove(BASE, "killed", "ann")
            return
        images = sorted(files.glob("*.png"))
        table = files / ("votes.parquet" if what == "copy" else "votes.csv")
        read = read_cells(20, 7) if what == "copy" else read_files(images)
        taken = "copy" if what == "copy" else "stay"
        store.sources.bring_in(new_source([table], read, name="killed", taken=taken))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
