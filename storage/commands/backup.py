"""Command line: back up a whole studio, check a backup, and put one back."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from storage.commands.copies import restore_copy
from storage.errors import InvalidTarget
from storage.replacement import finish_replacement
from storage.studio_backup.backup import Backup
from storage.studio_backup.manifest import manifests_in
from storage.studio_backup.moment import from_folder
from storage.studio_backup.restore import Restore, check_backup
from storage.studio_backup.studio_files import OPTIONAL
from storage.studio_backup.tell import sentences_of_backup, sentences_of_restore


def back_up(arguments: Sequence[str], prog: str) -> int:
    """Back up a studio, whether an app holds it or not; print what the backup holds."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Back up a whole studio, also while the app runs. Into the same folder again, "
        "only what is new is copied.",
    )
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the studio")
    parser.add_argument("target", type=Path, metavar="TARGET", help="a folder for backups of it")
    parser.add_argument(
        "--with", dest="include", action="append", default=[], choices=sorted(OPTIONAL),
        help="take these along too; may be given twice",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="read everything that is in the backup already, too"
    )
    chosen = parser.parse_args(arguments)

    finish_replacement(chosen.home)
    backup = Backup(
        chosen.home, chosen.target, from_folder(chosen.home), chosen.include, check=chosen.check
    )
    backup.progress = progress_line
    print(*sentences_of_backup(backup.write()), sep="\n")
    return 0


def restore(arguments: Sequence[str], prog: str) -> int:
    """Put a studio back from a backup, or a copy of its database in place."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s BACKUP HOME [--of NAME] [--replace] [--skip-damaged]\n"
        "       %(prog)s HOME [--copy NAME]",
        description="Put a studio back from a backup. With HOME alone: put a copy of its database "
        "in place.",
    )
    parser.add_argument("source", type=Path, metavar="BACKUP", help="folder that was backed up to")
    parser.add_argument("home", type=Path, metavar="HOME", nargs="?", help="where the studio goes")
    parser.add_argument("--of", metavar="NAME", help="which backup; the newest one")
    parser.add_argument(
        "--replace", action="store_true", help="put aside what is in HOME; it is never deleted"
    )
    parser.add_argument(
        "--skip-damaged", action="store_true", help="restore what is sound without the rest"
    )
    parser.add_argument("--list", action="store_true", help="check every backup in BACKUP and stop")
    if any(each.startswith("--copy") for each in arguments):
        return restore_copy(arguments, prog)
    chosen = parser.parse_args(arguments)
    if chosen.list:
        return list_backups(chosen.source)
    if chosen.home is None:
        if manifests_in(chosen.source):
            raise InvalidTarget(
                f"{chosen.source} holds backups. Name the folder that the studio goes to as well: "
                f"{prog} {chosen.source} HOME."
            )
        return restore_copy(arguments, prog)

    done = Restore(
        chosen.source, chosen.home, chosen.of, chosen.replace, chosen.skip_damaged, progress_line
    ).write()
    print(*sentences_of_restore(done), sep="\n")
    return 0


def list_backups(source: Path) -> int:
    """Print every backup of a folder with its damaged files; return 1 if there is one."""
    found = check_backup(source, progress_line)
    for name, damaged in found.items():
        print(f"{name}: {'sound' if not damaged else f'{len(damaged):,} damaged or gone'}")
        for path in damaged:
            print(f"    {path}")
    return 1 if any(found.values()) or not found else 0


def progress_line(done: int, of: int) -> None:
    """Show on a terminal how far it is; elsewhere nothing."""
    if sys.stderr.isatty() and (done == of or done % 100 == 0):
        print(f"\r{done:,} of {of:,}", end="\n" if done == of else "", file=sys.stderr, flush=True)
