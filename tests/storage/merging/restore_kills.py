"""Kills of a restore at a point, and what is left of it at the next opening."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from every_kind import give_every_kind
from storage_making import BASE

from storage import Store
from storage.exports.exported_votes import ExportChoice
from storage.exports.pickapic.pickapic_export import PickapicExport, write_pickapic

ROOT = Path(__file__).resolve().parents[3]
PYTHONPATH = os.pathsep.join(str(ROOT / each) for each in ("", "tests/storage"))
CHILD = Path(__file__).with_name("killed_restore.py")
TABLES = (
    *("votes", "pairs", "images", "quads", "rankings", "vote_annotations", "acts", "kept_pairs"),
    *("pair_selection", "exclusions", "voter_weights", "versions"),
)


def prepare(folder: Path) -> tuple[Path, Path, Path]:
    """Export a studio, and make an empty one; return the export, it, and a whole restored one."""
    exported, empty, whole = (folder / name for name in ("exported", "empty", "whole"))
    exported.mkdir()
    with Store(folder / "studio") as store:
        store.ensure_base(BASE)
        give_every_kind(store)
        with store.exports.votes(ExportChoice(excluded=True)) as votes:
            export = PickapicExport(votes)
            write_pickapic(exported, "t", store.opening.database, export, False)
    with Store(empty) as store:
        store.ensure_base(BASE)
    assert not killed(exported, copied(empty, whole), 0)[0]
    return exported, empty, whole


def killed(exported: Path, home: Path, point: int) -> tuple[bool, list[str]]:
    """Run the child on a studio; return whether it was killed, and the steps that it reached."""
    ended = subprocess.run(
        [sys.executable, str(CHILD), str(exported), str(home), str(point)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
    )
    if ended.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(ended.stderr[-2000:])
    return ended.returncode != 0, ended.stdout.splitlines()


def state(home: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Open a studio; return its rows by table, and the names of half-written files."""
    with Store(home) as store:
        rows = tuple(store._database.read(f"SELECT count(*) FROM {t}")[0][0] for t in TABLES)
    return rows, tuple(sorted(path.name for path in home.glob("images/*/.*")))


def copied(home: Path, to: Path) -> Path:
    """Copy a studio, in place of an earlier copy."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to)
    return to
