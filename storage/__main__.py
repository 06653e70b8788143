"""Command line: list and restore the copies of a studio's database, without the app.

python -m storage copies HOME               the studio's own copies, newest first
python -m storage restore HOME [--copy NAME]    put one in place; what is there now stays beside it
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from storage.backup.copies import Copies
from storage.backup.inspection import answer
from storage.backup.recovery import Recovery
from storage.errors import BrokenStudio, StorageError
from storage.studio_folder import StudioFolder
from storage.timestamps import utc_now


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a StorageError ends in one sentence and exit code 1."""
    root = argparse.ArgumentParser(
        prog="python -m storage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    commands = root.add_subparsers(dest="command", required=True, metavar="{copies,restore}")
    commands.add_parser("copies").add_argument("home", type=Path, metavar="HOME")
    restore = commands.add_parser("restore")
    restore.add_argument("home", type=Path, metavar="HOME")
    restore.add_argument("--copy", metavar="NAME", help="as `copies` lists it; the newest one")
    # Not listed: the process that storage/backup/inspection.py starts.
    inspect = commands.add_parser("inspect")
    inspect.add_argument("what")
    inspect.add_argument("paths", type=Path, nargs="+")

    chosen = root.parse_args(arguments)
    try:
        run(chosen)
    except StorageError as error:
        print(f"storage: {error}", file=sys.stderr)
        return 1
    return 0


def run(chosen: argparse.Namespace) -> None:
    """Run the command that was chosen."""
    if chosen.command == "inspect":
        print(json.dumps(asdict(answer(chosen.what, chosen.paths))))
        return

    if not chosen.home.is_dir():
        raise BrokenStudio(f"{chosen.home} is no folder. Name the folder of a studio.")
    copies = Copies(chosen.home / "copies", utc_now)
    if chosen.command == "copies":
        for copy in copies.list():
            print(f"{copy.path.name}: {copy}")
        return

    folder = StudioFolder(chosen.home)
    try:
        print(Recovery(folder, copies, utc_now).restore(chosen.copy))
    finally:
        folder.release()


if __name__ == "__main__":
    sys.exit(main())
