"""Command line: restore the votes of Palate's own Parquet into a studio that has none."""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from storage.commands.backup import progress_line
from storage.commands.studios import is_studio, opened
from storage.errors import FolderTaken
from storage.merging.vote_restore import VoteRestore, full_files
from storage.replacement import finish_replacement
from storage.store import Store


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

    full_files(chosen.folder)
    with made_if_new(chosen.home), opened(chosen.home, "Restore votes") as store:
        print(VoteRestore(store, progress_line).run(chosen.folder).sentence)
    return 0


@contextmanager
def made_if_new(home: Path) -> Iterator[None]:
    """Make a studio where there is none yet, and remove it if no vote comes into it.

    Raises FolderTaken for a folder of other things.
    """
    finish_replacement(home)
    if is_studio(home):
        yield
        return

    was_there = home.is_dir()
    if was_there and any(home.iterdir()):
        raise FolderTaken(
            f"{home} has something in it and is no studio. Name a studio without votes, an empty "
            "folder, or a new one."
        )
    with Store(home):
        pass
    try:
        yield
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        if was_there:
            home.mkdir()
        raise
