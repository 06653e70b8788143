"""Command line: the process that storage/backup/inspection.py starts."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from storage.backup.inspection import answer


def main(arguments: Sequence[str], prog: str) -> int:
    """Print what an inspector found in copies of a database, as JSON."""
    what, *paths = arguments
    print(json.dumps(asdict(answer(what, list(map(Path, paths))))))
    return 0
