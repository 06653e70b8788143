"""Command line: take everything of another studio of the same model into one."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from storage.commands.backup import progress_line
from storage.commands.studios import opened
from storage.merging.merge import Merge
from storage.merging.report import sentences_of_merge


def main(arguments: Sequence[str], prog: str) -> int:
    """Merge a studio into another one, or with --preview say what would come in."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Take the votes, people and versions of another studio of the same model. The "
        "other one has to be closed and is never changed; what is here already comes only once.",
    )
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the studio")
    parser.add_argument("other", type=Path, metavar="OTHER", help="folder of the other studio")
    parser.add_argument(
        "--preview", action="store_true", help="say what would come in, and change nothing"
    )
    chosen = parser.parse_args(arguments)

    with opened(chosen.home, "Merge") as store:
        merge = Merge(store, chosen.other, progress_line)
        report = merge.preview() if chosen.preview else merge.write()
    print(*sentences_of_merge(report, done=not chosen.preview), sep="\n")
    return 0
