"""Work on the studio's files without the app.

python -m annotate report FOLDER [--out DIR]    an evaluation as report.html and report.md
python -m annotate people add NAME --role admin    somebody who may sign in
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from align.contracts.errors import PalateError
from annotate.auth.arguments import add_people_command


def main(given: Sequence[str] | None = None, prog: str = "python -m annotate") -> int:
    """Run one command and return the exit status; expected errors end in one sentence."""
    root = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="write an evaluation as a page and as Markdown")
    report.add_argument("folder", type=Path, metavar="FOLDER", help="holds evaluation.json")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (FOLDER itself)")
    add_people_command(commands)

    chosen = root.parse_args(given)
    try:
        print(*(change_people(chosen) if chosen.command == "people" else write(chosen)), sep="\n")
    except PalateError as error:
        print(f"{prog.split()[-1]}: {error}", file=sys.stderr)
        return 1
    return 0


def change_people(chosen: argparse.Namespace) -> list[str]:
    """Change who may sign in, and return lines to print; raises StorageError."""
    from annotate.auth.people_commands import run_people  # noqa: PLC0415  DuckDB takes a moment

    return run_people(chosen)


def write(chosen: argparse.Namespace) -> list[Path]:
    """Write a report and return its files."""
    from annotate.report.write import write_report  # noqa: PLC0415  Pillow takes a moment

    return write_report(chosen.folder, chosen.out or chosen.folder)


if __name__ == "__main__":
    sys.exit(main())
