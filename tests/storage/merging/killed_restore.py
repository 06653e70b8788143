"""A process that restores votes, and kills itself at one of its steps.

python killed_restore.py FOLDER HOME POINT

Prints the name of each step on its way, so that whoever reads it knows how many there are.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage import Store
from storage.database import Database
from storage.merging.restored_tables import RestoredTables
from storage.merging.vote_restore import VoteRestore

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


def main(folder: Path, home: Path, point: int) -> None:
    with Store(home) as store:
        os.replace = kill_at(point, "rename", os.replace)
        Database.write = kill_at(point, "commit", Database.write)
        RestoredTables.add = kill_at(point, "rows", RestoredTables.add)
        RestoredTables.add_models = kill_at(point, "models", RestoredTables.add_models)
        VoteRestore(store).run(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
