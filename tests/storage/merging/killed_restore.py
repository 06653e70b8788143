"""A process that restores votes, and kills itself at one of its steps.

python killed_restore.py FOLDER HOME POINT

Prints the name of each step on its way, so that whoever reads it knows how many there are.
"""

import os
import sys
from pathlib import Path

from killed_steps import KilledSteps

from storage import Store
from storage.database import Database
from storage.merging.restored_tables import RestoredTables
from storage.merging.vote_restore import VoteRestore


def main(folder: Path, home: Path, point: int) -> None:
    with Store(home) as store:
        steps = KilledSteps(point)
        steps.watch(os, "replace", "rename")
        steps.watch(Database, "write", "commit")
        steps.watch(RestoredTables, "add", "rows")
        steps.watch(RestoredTables, "add_models", "models")
        VoteRestore(store).run(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
