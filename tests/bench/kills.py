"""What survives being killed: every acknowledged vote, and a run to its last bit.

python tests/bench/kills.py votes [--kills 20]     the app, while 5 votes a second arrive
python tests/bench/kills.py trainer [--kills 10]   a 40-step run, against an undisturbed one
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import duckdb
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench_snapshot import make_snapshot
from running import App, wait_for

from align.launch import TrainerProcess
from align.models import describe_model

VOTES_PER_S = 5.0
READY = 12
STEPS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["votes", "trainer"])
    parser.add_argument("--kills", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.what == "votes":
            kill_the_app(Path(folder), arguments.kills or 20)
        else:
            kill_the_trainer(Path(folder), arguments.kills or 10)


class Voter(threading.Thread):
    """Votes at a steady rate and remembers what was acknowledged, until the app is gone."""

    def __init__(self, app: App) -> None:
        super().__init__(daemon=True)
        self._api = app.client()
        self.acknowledged: list[str] = []
        self.sent = 0

    def run(self) -> None:
        try:
            while True:
                started = time.monotonic()
                self._vote()
                time.sleep(max(0.0, 1 / VOTES_PER_S - (time.monotonic() - started)))
        except Exception:
            return  # the app was killed, which is the point

    def _vote(self) -> None:
        pair = self._api.predict("ada", api_name="/next_pair")
        if "pair_id" not in pair:
            return
        key, verdict = uuid.uuid4().hex, random.choice(["left", "right", "tie", "skip"])
        self.sent += 1
        reply = self._api.predict(pair["pair_id"], verdict, "ada", key, api_name="/vote")
        if reply["accepted"]:
            self.acknowledged.append(reply["key"])


def kill_the_app(folder: Path, kills: int) -> None:
    """Kill the app at random moments while votes arrive; then count every acknowledged key."""
    app = App(folder / "studio", "--train-every", "0")
    acknowledged: list[str] = []
    sent = 0
    for number in range(kills):
        app.start()
        api = app.client()
        wait_for(
            lambda a=api: a.predict(api_name="/stats")["ready_pairs"] >= READY, "pairs", every=0.5
        )
        voter = Voter(app)
        voter.start()
        time.sleep(random.uniform(1.0, 5.0))
        app.kill()
        voter.join()
        acknowledged += voter.acknowledged
        sent += voter.sent
        print(f"kill {number + 1}: {len(acknowledged)} acknowledged of {sent} sent", flush=True)
    with duckdb.connect(str(app.home / "palate.duckdb")) as database:
        stored = Counter(key for (key,) in database.execute("SELECT key FROM votes").fetchall())
    lost = [key for key in acknowledged if stored[key] == 0]
    doubled = [key for key in stored if stored[key] > 1]
    print(
        f"{kills} kills, {len(acknowledged)} acknowledged: {len(lost)} lost, {len(doubled)} twice"
    )
    sys.exit(bool(lost or doubled))


def kill_the_trainer(folder: Path, kills: int) -> None:
    """Kill a run at random moments, resume it each time, and compare with an undisturbed one."""
    trainer, model, snapshot = TrainerProcess(), describe_model(), make_snapshot(folder)
    for name in ("undisturbed", "killed"):
        trainer.prepare(folder / name, snapshot, model, {"steps": STEPS})
    finish(trainer, folder / "undisturbed")
    run = folder / "killed"
    for number in range(kills):
        trainer.start(run)
        goal = max(1, round(STEPS * (number + 1) / (kills + 1)))
        wait_for(lambda goal=goal: trainer.status(run).step >= goal, f"step {goal}")
        time.sleep(random.uniform(0.0, 1.0))
        trainer.kill(run)
        wait_for(lambda: not trainer.is_alive(run), "the trainer to die")
        print(f"kill {number + 1} at step {trainer.status(run).step}", flush=True)
    finish(trainer, run)
    first, second = (
        load_file(folder / n / "adapter.safetensors") for n in ("undisturbed", "killed")
    )
    different = [name for name in first if not torch.equal(first[name], second[name])]
    print(f"{kills} kills: {len(first) - len(different)} of {len(first)} tensors equal to the bit")
    sys.exit(bool(different))


def finish(trainer: TrainerProcess, run: Path) -> None:
    trainer.start(run)
    wait_for(lambda: trainer.status(run).state == "done", f"{run.name} to end", 600)


if __name__ == "__main__":
    main()
