"""A process that brings a source in, or removes one, and kills itself at one of its steps.

python killed_import.py HOME FILES WHAT POINT     WHAT is files, copy or remove

Prints the name of each step on its way, so that whoever reads it knows how many there are.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from source_making import new_source, read_cells, read_files
from storage_making import BASE

from storage import Store
from storage.database import Database
from storage.sources import source_batches, source_cleanup, source_import

steps = 0


def kill_at(point: int, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a step: the process dies before it, or after it, at the point of this number."""

    def wrapped(*given: Any, **named: Any) -> Any:
        reach(point, f"before {name}")
        result = work(*given, **named)
        reach(point, f"after {name}")
        return result

    return wrapped


def reach(point: int, name: str) -> None:
    global steps
    steps += 1
    print(name, flush=True)
    if steps == point:
        os.kill(os.getpid(), signal.SIGKILL)


def main(home: Path, files: Path, what: str, point: int) -> None:
    source_batches.BATCH_ROWS = 5
    source_cleanup.IMAGES_AT_A_TIME = source_cleanup.ROWS_AT_A_TIME = 5
    with Store(home) as store:
        Database.write = kill_at(point, "commit", Database.write)
        os.replace = kill_at(point, "rename", os.replace)
        os.unlink = kill_at(point, "unlink", os.unlink)
        Path.unlink = kill_at(point, "unlink", Path.unlink)
        shutil.rmtree = kill_at(point, "rmtree", shutil.rmtree)
        source_import.sync_disk = kill_at(point, "sync", source_import.sync_disk)
        source_import.place_files = kill_at(point, "placing", source_import.place_files)
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
