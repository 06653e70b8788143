"""Command line: list the copies of a studio's database, and put one in place."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from storage.backup.copies import Copies
from storage.backup.recovery import Recovery
from storage.commands.studios import existing_studio
from storage.studio_folder import StudioFolder
from storage.timestamps import utc_now


def list_copies(arguments: Sequence[str], prog: str) -> int:
    """Print the copies of a studio's database, newest first."""
    parser = argparse.ArgumentParser(prog=prog, description="List the copies of a database.")
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the studio")
    chosen = parser.parse_args(arguments)

    for copy in Copies(existing_studio(chosen.home) / "copies", utc_now).list():
        print(f"{copy.path.name}: {copy}")
    return 0


def restore_copy(arguments: Sequence[str], prog: str) -> int:
    """Put a copy in the place of a studio's database; what is there now stays beside it."""
    parser = argparse.ArgumentParser(prog=prog, description="Put a copy in place.")
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the studio")
    parser.add_argument("--copy", metavar="NAME", help="as `copies` lists it; the newest one")
    chosen = parser.parse_args(arguments)

    copies = Copies(existing_studio(chosen.home) / "copies", utc_now)
    folder = StudioFolder(chosen.home)
    try:
        print(Recovery(folder, copies, utc_now).restore(chosen.copy))
    finally:
        folder.release()
    return 0
