"""Command line: restore the votes of Palate's own Parquet into a studio that has none."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from storage.commands.backup import progress_line
from storage.commands.studios import opened
from storage.merging.vote_restore import VoteRestore


def main(arguments: Sequence[str], prog: str) -> int:
    """Restore votes, rankings and all that belongs to them, and print how many there were."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Restore the votes of Palate's own Parquet as they were, all or none. The "
        "studio must have no votes; into one that has some, bring the folder in as a source.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the export")
    parser.add_argument("home", type=Path, metavar="HOME", help="a studio without votes, or none")
    chosen = parser.parse_args(arguments)

    # A studio that is not there yet is made: that is what an empty one is.
    chosen.home.mkdir(parents=True, exist_ok=True)
    with opened(chosen.home, "Restore votes") as store:
        print(VoteRestore(store, progress_line).run(chosen.folder).sentence)
    return 0
