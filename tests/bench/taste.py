"""Does it learn a taste? Simulated labelers vote through the real API, then pictures are counted.

    python tests/bench/taste.py [--votes 100] [--settings '{"steps": 200}'] [--tastes ink,pink]

Per taste: an app with `--train-every 0` on an empty studio, votes by a pixel rule, one run with
default settings, then pictures of prompts nobody voted on, before and after, with the same seeds.
Prints a Markdown table and writes a grid of pictures per taste.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import Client
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from naming import Namer
from tastes import TASTES, read

PROMPTS, SEEDS, TOGETHER = 64, (11, 12), 4
"""Every four prompts have two seeds of their own: noise decides much of a background, and with two
seeds for all prompts a share would say little more than which two they are."""
GRID = 12


def main() -> None:
    """Run every taste and print the table."""
    arguments = parse()
    prompts = unseen_prompts()
    namer = Namer(prompts)
    print("| taste | votes | training | fits the taste better | prompts kept | held-out pairs |")
    print("|---|---|---|---|---|---|")
    shares = []
    for name in arguments.tastes.split(","):
        taste = next(t for t in TASTES if t.startswith(name.strip()))
        with tempfile.TemporaryDirectory() as folder, running_app(folder, arguments.port) as api:
            row = Labeler(api, Path(folder), taste).play(arguments, prompts, namer)
        shares.append(row["share"])
        print(row["line"], flush=True)
    print(f"\nMean {np.mean(shares):.1%}, least {min(shares):.1%}.")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--settings", type=json.loads, default={}, help="of the run, as JSON")
    parser.add_argument("--tastes", default=",".join(TASTES), help="names or their beginnings")
    parser.add_argument("--out", type=Path, help="folder for the grids")
    parser.add_argument("--port", type=int, default=7899)
    return parser.parse_args()


def unseen_prompts() -> list[str]:
    """Prompts that the app's own list does not hold, so that nobody votes on them."""
    labels = (ROOT / "align/emoji/labels.txt").read_text("utf-8").split("\n")
    shown = next((ROOT / "annotate/static").glob("emoji_prompts*")).read_text("utf-8").lower()
    unseen = [label for label in labels if label.strip() and label.lower() not in shown]
    return [f"a {label}" for label in random.Random(5).sample(unseen, PROMPTS)]


@contextmanager
def running_app(folder: str, port: int) -> Iterator[Client]:
    """An app on an empty studio, and a client of its API."""
    command = [
        sys.executable,
        "app.py",
        "--home",
        folder,
        "--port",
        str(port),
        "--train-every",
        "0",
    ]
    with open(Path(folder) / "app.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait(lambda: answers(f"{url}/health"), "the app to answer")
        yield Client(url, verbose=False)
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def wait(condition: Any, what: str, seconds: float = 900.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.5)


class Labeler:
    """Votes by one taste and counts what a run makes of the votes."""

    def __init__(self, api: Client, folder: Path, taste: str) -> None:
        self._api, self._folder, self._name = api, folder, taste
        self._score = TASTES[taste]

    def play(self, arguments: argparse.Namespace, prompts: list[str], namer: Namer) -> dict:
        """Vote, train, compare; the row of the table."""
        self._vote(arguments.votes)
        time.sleep(12)
        started = time.monotonic()
        status = self._train(arguments.settings)
        seconds = time.monotonic() - started
        held_out = self._held_out()
        pairs = self._compare(prompts, status["version"])
        wins = [self._wins(after, before) for _, _, before, after in pairs]
        names = [prompt for prompt, *_ in pairs]
        kept_before = namer.share_named_right([b for _, _, b, _ in pairs], names)
        kept_after = namer.share_named_right([a for *_, a in pairs], names)
        if arguments.out:
            self._grid(pairs, arguments.out)
        share = float(np.mean(wins))
        kept = f"{kept_after:.1%} of {kept_before:.1%} ({kept_after / kept_before:.2f}×)"
        line = (f"| {self._name} | {arguments.votes} | {seconds:.0f} s | {share:.1%} | {kept} "
                f"| {held_out} |")  # fmt: skip
        return {"share": share, "line": line}

    def _vote(self, votes: int) -> None:
        given = 0
        while given < votes:
            pair = self._api.predict("simulated", api_name="/next_pair")
            if "wait_s" in pair:
                time.sleep(min(2.0, pair["wait_s"] or 1.0))
                continue
            left, right = (self._score(self._picture(pair[f"{s}_url"])) for s in ("left", "right"))
            verdict = "left" if left > right else "right" if right > left else "tie"
            given += verdict != "tie"
            key = uuid.uuid4().hex
            self._api.predict(pair["pair_id"], verdict, "simulated", key, api_name="/vote")

    def _train(self, settings: dict) -> dict:
        run = self._api.predict(settings, api_name="/fine_tune")["run_id"]
        status: dict = {}

        def finished() -> bool:
            status.update(self._api.predict(run, api_name="/run_status"))
            return status["state"] in ("done", "failed", "cancelled", "interrupted")

        wait(finished, "the run to end")
        if status["state"] != "done":
            raise RuntimeError(f"The run ended as {status['state']}: {status['error']}")
        return status

    def _held_out(self) -> str:
        status = json.loads(next(self._folder.glob("runs/*/status.json")).read_text("utf-8"))
        judged = status["result"]["held_out"]
        return f"{judged['accuracy']:.0%} of {judged['pairs']}" if judged["pairs"] else "none"

    def _compare(self, prompts: list[str], version: str) -> list[tuple[str, int, Path, Path]]:
        """Prompt, seed, before and after of every prompt and seed."""
        drawn = []
        for start in range(0, len(prompts), TOGETHER):
            seeds = [seed + start for seed in SEEDS]
            some = prompts[start : start + TOGETHER]
            drawn += self._api.predict(some, seeds, "base", version, api_name="/compare_many")
        return [
            (
                one["prompt"],
                one["seed"],
                *(self._file(one[f"{s}_url"]) for s in ("before", "after")),
            )
            for one in drawn
        ]

    def _wins(self, after: Path, before: Path) -> float:
        gain = self._score(read(after)) - self._score(read(before))
        return 1.0 if gain > 0 else 0.5 if gain == 0 else 0.0

    def _picture(self, url: str) -> np.ndarray:
        return read(self._file(url))

    def _file(self, url: str) -> Path:
        file = self._folder / "seen" / url.rsplit("/", 1)[-1]
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            with urllib.request.urlopen(f"{self._api.src.rstrip('/')}/{url}") as response:
                file.write_bytes(response.read())
        return file

    def _grid(self, pairs: list, out: Path) -> None:
        """Before above, after below, of every prompt's first seed."""
        out.mkdir(parents=True, exist_ok=True)
        shown = pairs[:: len(SEEDS)][:GRID]
        rows = [[read(pair[side]) for pair in shown] for side in (2, 3)]
        grid = np.concatenate([np.concatenate(row, axis=1) for row in rows])
        file = out / f"taste-{self._name.split()[0]}.png"
        Image.fromarray(grid.astype(np.uint8)).save(file, optimize=True)


if __name__ == "__main__":
    main()
