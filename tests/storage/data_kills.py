"""Kills of a backup, a restore or a merge at a point, and what must hold whichever it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from whole_studio import every_row, files_below, fill

from storage import Store
from storage.studio_backup.manifest import manifests_in, read_manifest
from storage.studio_backup.restore import check_backup

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("killed_data.py")
WHATS = ("backup", "restore", "replace", "merge")


class Ended(NamedTuple):
    """How a process ended, and the steps that it reached."""

    killed: bool
    steps: list[str]


class State(NamedTuple):
    """Everything in a studio, once it was opened again."""

    rows: dict[str, list[str]]
    files: dict[str, str]

    def is_one_of(self, *others: State) -> bool:
        """Return True if this is another state, but for images that no row names yet."""
        return any(self.rows == other.rows and self.own == other.own for other in others)

    @property
    def own(self) -> dict[str, str]:
        """The files whose names say nothing of what is in them."""
        once = ("images/", "imports/", "loras/")
        return {path: each for path, each in self.files.items() if not path.startswith(once)}


def run_child(point: int, *arguments: object) -> Ended:
    """Run the child; at point 0 it is not killed."""
    paths = os.pathsep.join([str(ROOT), str(CHILD.parent)])
    ended = subprocess.run(
        [sys.executable, str(CHILD), str(point), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"PYTHONPATH": paths},
    )
    if ended.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(ended.stderr[-2000:])
    return Ended(ended.returncode != 0, ended.stdout.splitlines())


def state(home: Path) -> State:
    """Open a studio, as the next start of the app does, and return everything in it."""
    with Store(home):
        pass
    return State(every_row(home), files_below(home))


class Scene:
    """Two studios, a backup of one of them, and what each of the three makes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.other = folder, folder / "home", folder / "other"
        self.target = folder / "target"
        for home, who, first in ((self.home, "ada", 0), (self.other, "bob", 1000)):
            with Store(home) as store:
                fill(store, who, first)
        run_child(0, "backup", self.home, self.target)
        (self.home / "notes.txt").write_text("written after the first backup")
        self.before = state(self.home)
        self.other_before = state(self.other)
        merged = self.copied(self.home, "merged")
        run_child(0, "merge", merged, self.other)
        self.merged = state(merged)

    def copied(self, source: Path, name: str) -> Path:
        """Return a copy of a folder, in place of an earlier one."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        return place

    def kill(self, what: str, point: int) -> Ended:
        """Kill one of the three at a point, and hold what must hold afterwards."""
        return {
            "backup": self._backup,
            "restore": self._restore,
            "replace": self._replace,
            "merge": self._merge,
        }[what](point)

    def _backup(self, point: int) -> Ended:
        target = self.copied(self.target, "killed-target")
        ended = run_child(point, "backup", self.home, target)
        backups = manifests_in(target)
        assert len(backups) in (1, 2)
        assert not any(check_backup(target).values()), ended.steps[-1]
        assert files_below(self.home) == self.before.files
        # The next one is whole, and nothing is left of the one that was killed.
        run_child(0, "backup", self.home, target)
        assert not any(check_backup(target).values())
        named = {file.stored for path in manifests_in(target) for file in read_manifest(path).files}
        there = {
            path.relative_to(target).as_posix()
            for path in (target / "files").rglob("*")
            if path.is_file()
        }
        assert there == named
        assert {path.name for path in target.iterdir()} <= {
            "backups", "files", "README.txt", ".palate-lock",
        }  # fmt: skip
        return ended

    def _restore(self, point: int) -> Ended:
        place = self.folder / "restored"
        shutil.rmtree(place, ignore_errors=True)
        ended = run_child(point, "restore", self.target, place)
        if place.exists():
            self._require_restored(place)
            shutil.rmtree(place)
        run_child(0, "restore", self.target, place)
        self._require_restored(place)
        self._require_no_leftovers()
        return ended

    def _replace(self, point: int) -> Ended:
        place = self.copied(self.other, "replaced")
        ended = run_child(point, "restore", self.target, place, "replace")
        # By its opening the studio is as before or as after.
        after = state(place)
        asides = list(self.folder.glob("replaced.before-*"))
        if after.rows == self.other_before.rows:
            assert after.files == self.other_before.files
            assert not asides
        else:
            self._require_restored(place)
            assert len(asides) == 1
            assert state(asides[0]) == self.other_before
        for aside in asides:
            shutil.rmtree(aside)
        shutil.rmtree(place)
        run_child(0, "restore", self.target, place)
        self._require_restored(place)
        self._require_no_leftovers()
        return ended

    def _merge(self, point: int) -> Ended:
        home = self.copied(self.home, "killed-merge")
        ended = run_child(point, "merge", home, self.other)
        after = state(home)
        assert after.is_one_of(self.before, self.merged), ended.steps[-1]
        assert set(after.files) <= set(self.merged.files)
        assert set(self.before.files) <= set(after.files)
        run_child(0, "merge", home, self.other)
        assert state(home) == self.merged
        assert state(self.other) == self.other_before
        return ended

    def _require_restored(self, place: Path) -> None:
        found = state(place)
        assert found.rows == self.before.rows
        kept = {
            path: digest
            for path, digest in self.before.files.items()
            if not path.startswith("snapshots/")
            and "checkpoint" not in path
            and path != "notes.txt"
        }
        assert found.files == kept

    def _require_no_leftovers(self) -> None:
        left = [path.name for path in self.folder.iterdir() if path.name.startswith(".palate")]
        assert not left, left
