"""Command line: train from files of preferences, with no studio and no database.

It writes a snapshot that refers to the images where they are, into a run folder, and starts the
trainer on it as a process.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from align.contracts.errors import PalateError
from align.contracts.run_files import RunState
from align.contracts.snapshot_files import MANIFEST
from storage.commands.expected_run import (
    Asked,
    RunData,
    expected_pairs,
    found_lines,
    look,
    plan_lines,
)
from storage.commands.sources import kinds, left_out_lines
from storage.commands.trainer import OtherRun, align, read_status, tell_end, train
from storage.errors import UnreadableData
from storage.layouts.foreign_votes import ForeignVote, RowLeftOut
from storage.layouts.found import find_data
from storage.layouts.inputs import name_for
from storage.layouts.mapping import mapping_from_text
from storage.layouts.reading import votes
from storage.snapshot.snapshot_of_files import FileCounts, FileVotes, write_snapshot_of_files
from storage.timestamps import utc_now

ABOUT = """\
Train from files of preferences, with no studio and no database: Parquet, JSON, JSON Lines or CSV,
or a folder with chosen/ and rejected/. The layouts are those of docs/data.md; columns are guessed
by their names, shown, and corrected by --mapping.

palate train --data 'pickapic/*.parquet' --model MODEL --dry-run    say what would be learned from
palate train --data 'pickapic/*.parquet' --model MODEL --out RUN    train in the folder RUN
palate train RUN                                                    go on where it stopped

Images stay where they are: a snapshot in the run folder refers to them, and they are read once,
when they are encoded. Ctrl+C stops after a step; the same command goes on, and so does
`palate train RUN`."""
DATA = "data.json"


def main(arguments: Sequence[str], prog: str) -> int:
    """Say what is in files, and train on them; a PalateError ends in a sentence and code 1."""
    chosen = parser(prog).parse_args(arguments)
    try:
        return run(chosen)
    except PalateError as error:
        print(f"palate: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read what is printed has ended, such as `head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"palate: {place}{error.strerror or error}. Name another --out.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Stopped. Go on with: palate train {shlex.join(arguments)}", file=sys.stderr)
        return 130


def parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of `palate train --data`."""
    root = argparse.ArgumentParser(
        prog=prog, description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root.add_argument(
        "--data", nargs="*", required=True, metavar="FILES", help="files, folders or patterns"
    )
    root.add_argument(
        "--model", metavar="NAME_OR_PATH", help="the base to tune; without it the embedded model"
    )
    root.add_argument("--out", type=Path, metavar="RUN_DIR", help="the run's folder; a new one")
    root.add_argument(
        "--settings", default="{}", metavar="JSON",
        help='settings of the run (docs/settings.md), such as {"steps": 500}',
    )  # fmt: skip
    root.add_argument(
        "--mapping", metavar="JSON",
        help="layout and columns: layout=chosen_rejected,prompt=caption, or the JSON of a dry run",
    )  # fmt: skip
    root.add_argument("--dry-run", action="store_true", help="show what would be done, only")
    return root


def run(chosen: argparse.Namespace) -> int:
    """Show what is in the files and what a run on them takes; then prepare it and train."""
    asked = what_is_asked(chosen)
    config = asked.run_dir / "config.json"
    if config.exists() and not chosen.dry_run:
        require_same(asked)
        if read_status(asked.run_dir).get("state") == RunState.DONE:
            print(f"{asked.run_dir} holds this run already, and it is done.")
            return tell_end(0, asked.run_dir)
        print(f"{asked.run_dir} holds this run. It goes on.", flush=True)
        return train(asked.run_dir)

    seen = look(asked.found, asked.mapping)
    print(*found_lines(asked, seen), sep="\n")
    # A model or a setting that cannot be is told before the files are read.
    print(*plan_lines(asked, expected_pairs(asked.found, seen), seen), sep="\n", flush=True)
    if chosen.dry_run:
        print("Nothing was written. Without --dry-run it trains.")
        return 0

    prepare(asked)
    return train(asked.run_dir)


def what_is_asked(chosen: argparse.Namespace) -> Asked:
    """Return what is asked for; raises UnreadableData for files or a mapping that cannot be."""
    if not chosen.data:
        raise UnreadableData("No files are named. Write them behind --data.")
    found, name = find_data(chosen.data), name_for(chosen.data[0])
    mapping = found.guess
    if chosen.mapping or mapping is None:
        mapping = mapping_from_text(chosen.mapping or "", found.guess)
    data: RunData = {
        "files": [stamp(path) for path in found.files],
        "mapping": {**mapping.as_data()},
        "model": chosen.model or "",
        "settings": chosen.settings,
    }
    return Asked(found, mapping, data, chosen.out or run_folder(f"{name}-run", data), name)


def stamp(path: Path) -> list[Any]:
    """Return path, size and time of a file; of a folder the path alone."""
    status = path.stat()
    whole = [str(path.absolute()), status.st_size, status.st_mtime_ns]
    return whole[:1] if path.is_dir() else whole


def run_folder(name: str, data: RunData) -> Path:
    """Return the folder of this name, or that with a number, which holds this run or is new."""
    number, folder = 1, Path(name)
    while folder.exists() and kept_data(folder) != data:
        number += 1
        folder = Path(f"{name}-{number}")
    return folder


def kept_data(run_dir: Path) -> Any:
    """Return what a run folder was made from; None where it does not say."""
    try:
        return json.loads((run_dir / DATA).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def require_same(asked: Asked) -> None:
    """Raise OtherRun unless the run folder was made from the same files and settings."""
    if kept_data(asked.run_dir) != asked.data:
        raise OtherRun(
            f"{asked.run_dir} holds a run of other files, another model or other settings. Name a "
            "new folder with --out, or go on with that run: "
            f"palate train {shlex.quote(str(asked.run_dir))}"
        )


def prepare(asked: Asked) -> None:
    """Make the run folder: a snapshot that refers to the images, and the settings.

    What an interrupted call left is used, or written again.
    """
    run_dir, snapshot = asked.run_dir, asked.run_dir / "snapshot"
    require_free(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    if (snapshot / MANIFEST).exists():
        require_same(asked)
    else:
        (run_dir / DATA).write_text(json.dumps(asked.data, indent=1), "utf-8")
        print(*written_lines(write(asked, snapshot)), sep="\n", flush=True)
    model = ["--model", asked.data["model"]] if asked.data["model"] else []
    settings = ["--settings", asked.data["settings"]]
    align(["prepare", str(run_dir), "--snapshot", str(snapshot), *model, *settings])
    print(f"Training in {run_dir}.", flush=True)


def require_free(run_dir: Path) -> None:
    """Raise OtherRun where a folder holds what no call that was cut short has left."""
    if not run_dir.exists():
        return
    own = {DATA, "snapshot"}
    names = [path.name for path in run_dir.iterdir()] if run_dir.is_dir() else [run_dir.name]
    if other := [name for name in sorted(names) if name not in own and not name.startswith(".")]:
        raise OtherRun(
            f"{run_dir} holds something else than a run, such as {other[0]}. Name a new folder "
            "with --out."
        )


def write(asked: Asked, snapshot: Path) -> FileCounts:
    """Write the snapshot of all rows."""
    found = asked.found
    read = telling(votes(found, asked.mapping), found.rows)
    return write_snapshot_of_files(
        snapshot,
        read,
        FileVotes(found.files, asked.name),
        {"snapshot_id": asked.name, "created": f"{utc_now().isoformat()}Z", "counts": {}},
    )


def telling(
    rows: Iterator[ForeignVote | RowLeftOut], of: int | None
) -> Iterator[ForeignVote | RowLeftOut]:
    """Yield rows, and show how many were read where somebody looks."""
    shown, done = sys.stderr.isatty(), 0
    while some := list(islice(rows, 100)):
        yield from some
        done += len(some)
        if shown:
            told = f"{done:,} of {of:,} rows" if of else f"{done:,} rows"
            print(f"\rReading {told}", end="", file=sys.stderr, flush=True)
    if shown:
        print(file=sys.stderr)


def written_lines(counts: FileCounts) -> list[str]:
    """Return what the snapshot holds."""
    return [
        f"Of {counts.rows:,} rows: {kinds(counts.votes)}, on {counts.images:,} images.",
        *left_out_lines(counts.left_out),
    ]
