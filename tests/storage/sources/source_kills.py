"""Kills of an import or a removal at a point, and what is left of them at the next opening."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from source_making import bring_in, table, write_pngs
from storage_making import BASE

from storage import Store

ROOT = Path(__file__).resolve().parents[3]
PYTHONPATH = os.pathsep.join(
    str(ROOT / each) for each in ("", "tests/storage", "tests/storage/sources")
)
CHILD = Path(__file__).with_name("killed_import.py")
TABLES = ("sources", "source_changes", "source_votes", "source_images")


class State(NamedTuple):
    """Everything that a studio has of its sources."""

    files: tuple[str, ...]
    rows: tuple[int, ...]
    names: tuple[str, ...]


def prepare(folder: Path) -> tuple[Path, Path]:
    """Make a studio with a source in it, and files for another one that has images of it."""
    home, files = folder / "studio", folder / "files"
    with Store(home) as store:
        store.ensure_base(BASE)
        bring_in(store, folder, "there", 6)
    write_pngs(files, range(18))
    table(files, "votes.csv")
    table(files, "votes.parquet")
    return home, files


def killed(home: Path, files: Path, what: str, point: int) -> tuple[bool, list[str]]:
    """Run the child on a studio; return whether it was killed, and the steps that it reached."""
    command = [sys.executable, str(CHILD), str(home), str(files), what, str(point)]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
    )
    if ended.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(ended.stderr[-2000:])
    return ended.returncode != 0, ended.stdout.splitlines()


def state(home: Path) -> State:
    """Open a studio and return what there is of its sources."""
    with Store(home) as store:
        rows = tuple(store._database.read(f"SELECT count(*) FROM {t}")[0][0] for t in TABLES)
        names = tuple(source.name for source in store.sources.all(BASE))
    files = (path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    kept = (name for name in files if not name.startswith(("palate.", "copies/")))
    return State(tuple(sorted(kept)), rows, names)


def copied(home: Path, to: Path) -> Path:
    """Copy a studio, in place of an earlier copy."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to)
    return to
