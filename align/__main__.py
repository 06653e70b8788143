"""`python -m align train RUN_DIR`: the commands that need no app and no database."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from align.errors import AlignError
from align.launch import lower_priority
from align.session import train_folder
from align.turns import Turns


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m align", description=__doc__)
    commands = root.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train", help="train the run in a folder that holds config.json and snapshot/"
    )
    train.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    train.add_argument(
        "--turns",
        type=Path,
        metavar="FILE",
        help="wait before each step while another process holds a lock on this file",
    )
    commands.add_parser("serve", help="draw pictures on request (the app starts this itself)")
    return root


def main() -> int:
    """Run one command; errors we know end in one sentence."""
    arguments = parser().parse_args()
    try:
        if arguments.command == "serve":
            from align.serve import serve  # noqa: PLC0415  torch takes seconds to import

            serve()
        else:
            lower_priority()
            train_folder(arguments.run_dir, Turns(arguments.turns))
    except AlignError as error:
        print(f"align: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
