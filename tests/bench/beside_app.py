"""What a run takes from click to version in the app, as a multiple of what it takes alone.

    python tests/bench/beside_app.py [--votes 100] [--rounds 1] [--settings '{}']

Opens the app on an empty studio, votes on pairs of the embedded model, asks for a run and labels no
more. Then the app is closed and the command trains a copy of the same run folder. Both are measured
in turn, on a machine that should do nothing else; a table says where the time goes, and how much of
the processor each process used meanwhile, which is comparable on a busy machine, too.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil
from gradio_client import Client

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from running import ENDED, App, open_pair

from align.client.run_folder import RunFolder
from align.client.trainer import python_environment

POLL_S = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--settings", default="{}")
    arguments = parser.parse_args()
    ratios = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ratios.append(measure(Path(folder), arguments.votes, arguments.settings))
    print(f"from click to version: {statistics.median(ratios):.2f} times the run alone")


def measure(folder: Path, votes: int, settings: str) -> float:
    """Measure one run in the app and its copy alone; return the ratio of their times."""
    app = App(folder / "studio", "--train-every", "0")
    app.start()
    try:
        api = app.client()
        vote(api, votes)
        in_app = Watch(app.process.pid)
        run_id = api.predict(settings, api_name="/fine_tune")["run_id"]
        run = RunFolder(folder / "studio" / "runs" / run_id)
        in_app.follow(run)
    finally:
        app.stop()

    copy = copy_of(run, folder / "alone")
    child = subprocess.Popen(
        [sys.executable, "-m", "align", "train", str(copy.path)], env=python_environment()
    )
    alone = Watch(child.pid)
    alone.follow(copy)
    child.wait()
    print_table(in_app, alone)
    return in_app.seconds / alone.seconds


def vote(api: Client, votes: int) -> None:
    """Vote at random, as fast as pairs come."""
    for number in range(votes):
        pair = open_pair(api, "ann")
        side = random.choice(["left", "right"])
        api.predict(pair["pair_id"], side, "ann", str(number), api_name="/vote")


def copy_of(run: RunFolder, folder: Path) -> RunFolder:
    """Copy what a run started with: its settings and votes, and nothing that it came to."""
    folder.mkdir()
    shutil.copyfile(run.config_path, folder / run.config_path.name)
    shutil.copytree(run.snapshot, folder / run.snapshot.name)
    return RunFolder(folder)


class Watch:
    """What a run spends its time on, and the processor time of the processes around it."""

    def __init__(self, pid: int) -> None:
        self._pid, self._began = pid, time.monotonic()
        self._used_before = used_by(pid)
        self.phases: dict[str, float] = defaultdict(float)
        self.used: dict[str, float] = {}
        self.seconds = 0.0

    def follow(self, run: RunFolder) -> None:
        """Follow a run to its end."""
        last = self._began
        while (status := run.stored_status()).state not in ENDED:
            now = time.monotonic()
            self.phases[short(status.phase)] += now - last
            last = now
            self._measure()
            time.sleep(POLL_S)
        self.seconds = time.monotonic() - self._began
        assert status.state == "done", status
        self._measure()

    def _measure(self) -> None:
        for name, used in used_by(self._pid).items():
            self.used[name] = used - self._used_before.get(name, 0.0)


def short(phase: str) -> str:
    """A phase without its counts; what comes before the trainer is the app's."""
    return phase.partition(",")[0].partition(":")[0] or "settling"


def used_by(pid: int) -> dict[str, float]:
    """Processor seconds of a process and its children, by what they are."""
    used: dict[str, float] = defaultdict(float)
    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            times, words = process.cpu_times(), process.cmdline()
            kinds = [word for word in words if word in ("serve", "train", "app.py")]
            used[kinds[0] if kinds else "other"] += times.user + times.system
    except psutil.Error:
        pass
    return used


def print_table(in_app: Watch, alone: Watch) -> None:
    """Print both columns of seconds: phases first, then processor time."""
    rows = [(name, in_app.phases[name], alone.phases[name]) for name in in_app.phases]
    rows.append(("from click to version", in_app.seconds, alone.seconds))
    names = sorted(in_app.used.keys() | alone.used.keys())
    rows += [(f"CPU of {n}", in_app.used.get(n, 0.0), alone.used.get(n, 0.0)) for n in names]
    print("| seconds | in the app | alone |\n|---|---|---|")
    for name, ours, theirs in rows:
        print(f"| {name} | {ours:.1f} | {theirs:.1f} |")
    ratios = {
        "ratio": in_app.seconds / alone.seconds,
        "of processor time": sum(in_app.used.values()) / sum(alone.used.values()),
    }
    print(json.dumps({name: round(ratio, 3) for name, ratio in ratios.items()}), flush=True)


if __name__ == "__main__":
    main()
