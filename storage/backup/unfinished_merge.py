"""What a merge that was killed left: folders of runs whose rows were never committed."""

import json
import re
import shutil
from contextlib import suppress

from storage.database import Database
from storage.studio_folder import StudioFolder

PLACED = "merging.json"
"""A file in the studio folder that names the folders that a merge is about to put."""
RUN = re.compile(r"r[0-9]{1,18}")


def remove_unfinished(folder: StudioFolder, database: Database) -> None:
    """Remove the folders that a merge put and whose rows are not there."""
    placed = folder.path / PLACED
    if not placed.exists():
        return
    with suppress(OSError, ValueError, TypeError, KeyError):
        named = json.loads(placed.read_text(encoding="utf-8"))["runs"]
        known = {run for (run,) in database.read("SELECT run_id FROM runs")}
        for run in named:
            if isinstance(run, str) and RUN.fullmatch(run) and run not in known:
                shutil.rmtree(folder.runs / run, ignore_errors=True)
    placed.unlink(missing_ok=True)
