"""Does it learn a taste? Simulated labelers vote through the real API, then images are counted.

    python tests/bench/taste.py [--votes 100] [--settings '{"steps": 200}'] [--tastes ink,pink]
        [--beside '{"objective": "kto"}'] [--out DIR]

Per taste: an app with `--train-every 0` on an empty studio, votes by a pixel rule, one run with
default settings and one with others on the same votes, then images of prompts nobody voted
on, before and after, with the same seeds. Prints a Markdown table: the share of images that fit the
taste better, by how much in the rule's own units, how varied they are beside the base's
(`variety.py`), of how many the prompt is told (`naming.py`), held-out pairs that are ordered right.
With `--out` a grid of images is written per run.
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

from naming import PromptClassifier
from tastes import TASTES, read
from variety import variety

PROMPTS, SEEDS, TOGETHER = 64, (11, 12), 4
"""Every four prompts have two seeds of their own: noise decides much of a background, and with two
seeds for all prompts a share would say little more than which two they are."""
GRID = 12
BESIDE = {"objective": "kto", "kappa": 20.0, "steps": 200}
"""The preset before: what the default is to do better than on the same votes."""
COLUMNS = ("taste", "votes", "objective", "training", "fits better", "by", "variety",
           "prompts kept", "held-out pairs")  # fmt: skip


def main() -> None:
    """Run every taste and print the table."""
    arguments = parse()
    prompts = unseen_prompts()
    namer = PromptClassifier(prompts)
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    rows: dict[str, list[dict]] = {}
    for name in arguments.tastes.split(","):
        taste = next(t for t in TASTES if t.startswith(name.strip()))
        with tempfile.TemporaryDirectory() as folder, running_app(folder, arguments.port) as api:
            labeler = Labeler(api, Path(folder), taste, prompts, namer)
            for row in labeler.play(arguments):
                rows.setdefault(row["objective"], []).append(row)
    print()
    for objective, told in rows.items():
        print(summary(objective, told))


def summary(objective: str, rows: list[dict]) -> str:
    """All tastes of one objective in a sentence."""
    shares, varieties = ([row[key] for row in rows] for key in ("share", "variety"))
    return (
        f"{objective}: mean {np.mean(shares):.1%}, least {min(shares):.1%}; variety "
        f"{np.mean(varieties):.2f}, least {min(varieties):.2f}."
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--settings", type=json.loads, default={}, help="of the runs, as JSON")
    parser.add_argument(
        "--beside",
        type=json.loads,
        default=BESIDE,
        help="settings of a second run on the same votes, as JSON; {} for none",
    )
    parser.add_argument("--tastes", default=",".join(TASTES), help="names or their beginnings")
    parser.add_argument("--out", type=Path, help="folder for the grids")
    parser.add_argument("--port", type=int, default=7899)
    return parser.parse_args()


def unseen_prompts() -> list[str]:
    """Prompts that the app's own list does not hold, so that nobody votes on them."""
    labels = (ROOT / "align/emoji/labels.txt").read_text("utf-8").split("\n")
    shown = (
        (ROOT / "annotate/rendering/prompts/prompt_lists/emoji_prompts.txt")
        .read_text("utf-8")
        .lower()
    )
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

    def __init__(
        self, api: Client, folder: Path, taste: str, prompts: list[str], namer: PromptClassifier
    ) -> None:
        self._api, self._folder, self._name = api, folder, taste
        self._score, self._prompts, self._namer = TASTES[taste], prompts, namer

    def play(self, arguments: argparse.Namespace) -> list[dict]:
        """Vote, then train and compare; a row for each run, printed as it is there."""
        self._vote(arguments.votes)
        time.sleep(12)
        runs = [arguments.settings]
        if arguments.beside:
            runs.append({**arguments.settings, **arguments.beside})
        return [self._learn(arguments, settings) for settings in runs]

    def _learn(self, arguments: argparse.Namespace, settings: dict) -> dict:
        """Train once on the votes and count what came of it."""
        started = time.monotonic()
        status = self._train(settings)
        seconds = time.monotonic() - started
        pairs = self._compare(status["version"])
        objective = self._result(status["run_id"])["objective"]
        if arguments.out:
            beside = "" if settings == arguments.settings else f"-{objective}"
            self._grid(pairs, arguments.out / f"taste-{self._name.split()[0]}{beside}.png")
        row = {"objective": objective, **self._count(pairs)}
        cells = (self._name, arguments.votes, objective, f"{seconds:.0f} s", f"{row['share']:.1%}",
                 f"{row['gain']:.0f}", f"{row['variety']:.2f}", row["kept"],
                 self._held_out(status["run_id"]))  # fmt: skip
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        return row

    def _count(self, pairs: list[tuple[str, int, Path, Path]]) -> dict:
        """How the images after differ from those before."""
        names, _, before, after = (list(column) for column in zip(*pairs, strict=True))
        gains = [
            self._score(read(late)) - self._score(read(early))
            for early, late in zip(before, after, strict=True)
        ]
        kept_before, kept_after = (
            self._namer.share_named_right(images, names) for images in (before, after)
        )
        return {
            "share": float(np.mean([1.0 if g > 0 else 0.5 if g == 0 else 0.0 for g in gains])),
            "gain": float(np.mean(gains)),
            "variety": variety(self._namer, after, before, len(SEEDS)),
            "kept": f"{kept_after:.1%} of {kept_before:.1%} ({kept_after / kept_before:.2f}×)",
        }

    def _vote(self, votes: int) -> None:
        given = 0
        while given < votes:
            pair = self._api.predict("simulated", api_name="/next_pair")
            if "wait_s" in pair:
                time.sleep(min(2.0, pair["wait_s"] or 1.0))
                continue
            left, right = (self._score(self._image(pair[f"{s}_url"])) for s in ("left", "right"))
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
        return {**status, "run_id": run}

    def _result(self, run: str) -> dict:
        """What the trainer wrote of a finished run."""
        status = json.loads((self._folder / "runs" / run / "status.json").read_text("utf-8"))
        return status["result"]

    def _held_out(self, run: str) -> str:
        judged = self._result(run)["held_out"]
        return f"{judged['accuracy']:.0%} of {judged['pairs']}" if judged["pairs"] else "none"

    def _compare(self, version: str) -> list[tuple[str, int, Path, Path]]:
        """Prompt, seed, before and after of every prompt and seed."""
        drawn = []
        for start in range(0, len(self._prompts), TOGETHER):
            seeds = [seed + start for seed in SEEDS]
            some = self._prompts[start : start + TOGETHER]
            drawn += self._api.predict(some, seeds, "base", version, api_name="/compare_many")
        return [
            (
                one["prompt"],
                one["seed"],
                *(self._file(one[f"{s}_url"]) for s in ("before", "after")),
            )
            for one in drawn
        ]

    def _image(self, url: str) -> np.ndarray:
        return read(self._file(url))

    def _file(self, url: str) -> Path:
        file = self._folder / "seen" / url.rsplit("/", 1)[-1]
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            with urllib.request.urlopen(f"{self._api.src.rstrip('/')}/{url}") as response:
                file.write_bytes(response.read())
        return file

    def _grid(self, pairs: list, file: Path) -> None:
        """Before above, after below, of every prompt's first seed."""
        file.parent.mkdir(parents=True, exist_ok=True)
        shown = pairs[:: len(SEEDS)][:GRID]
        rows = [[read(pair[side]) for pair in shown] for side in (2, 3)]
        grid = np.concatenate([np.concatenate(row, axis=1) for row in rows])
        Image.fromarray(grid.astype(np.uint8)).save(file, optimize=True)


if __name__ == "__main__":
    main()
