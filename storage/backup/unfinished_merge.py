"""What a merge that was killed left: folders of runs and sources without their rows."""

import json
import re
import shutil
from contextlib import suppress

from storage.database import Database
from storage.studio_folder import StudioFolder

PLACED = "merging.json"
"""A file in the studio folder that names the folders that a merge is about to put."""
FOLDER = re.compile(r"runs/r[0-9]{1,18}|sources/[0-9]{1,18}")
KNOWN = "SELECT 'runs/' || run_id FROM runs UNION ALL SELECT 'sources/' || source_id FROM sources"


def remove_unfinished(folder: StudioFolder, database: Database) -> None:
    """Remove the folders that a merge put and whose rows are not there."""
    placed = folder.path / PLACED
    if not placed.exists():
        return
    with suppress(OSError, ValueError, TypeError, KeyError):
        named = json.loads(placed.read_text(encoding="utf-8"))["folders"]
        known = {path for (path,) in database.read(KNOWN)}
        for path in named:
            if isinstance(path, str) and FOLDER.fullmatch(path) and path not in known:
                shutil.rmtree(folder.path / path, ignore_errors=True)
    placed.unlink(missing_ok=True)
