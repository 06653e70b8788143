"""Which objective learns a taste best? The same votes for all, with caches shared.

    python tests/bench/objectives.py [--taste dark] [--votes 100] [--flips 0,0.3] [--folder DIR]

Without the app: pairs of the base model's pictures, votes by a pixel rule (a share of them turned
around), one run for each objective with the preset's other settings, then pictures of prompts
nobody voted on, before and after, with the same seed. Prints a Markdown table. With `--folder`
pictures, caches and results are kept there, and a run that is done is not done again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from bench_snapshot import write_snapshot
from taste import unseen_prompts
from tastes import TASTES, read

from align.device import choose_compute
from align.launch import TrainerProcess
from align.models import describe_model
from align.pipeline import load_pipeline, quiet_libraries
from align.render import Adapters, batches, render, store
from align.run_folder import RunFolder
from align.sampler_process import RenderItem
from align.sampling import settings_of
from annotate.prompts import built_in_prompts

OBJECTIVES = "dpo,dpop,ipo,cdpo,soft,mapo,kto,sft"
SEEDS = (11, 12)
"""Of the first prompt. Every prompt has two of its own: noise decides much of a background."""
SPARE = 10
"""Pairs more than votes, for those that the rule calls equal."""


def main() -> None:
    """Draw, vote, run every objective, print the table."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(arguments.folder or Path(scratch), arguments.taste, arguments.votes)
        flips = [float(share) for share in arguments.flips.split(",")]
        print(f"{bench.taste}, {arguments.votes} votes\n")
        print("| objective |" + "".join(f" {share:.0%} turned around |" for share in flips))
        print("|---|" + "---|" * len(flips))
        for objective in arguments.objectives.split(","):
            row = [bench.share(objective, flip, arguments.settings) for flip in flips]
            print(f"| {objective} |" + "".join(f" {one} |" for one in row), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taste", default="dark", help="the name or its beginning")
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--flips", default="0,0.3", help="shares of votes turned around")
    parser.add_argument("--objectives", default=OBJECTIVES)
    parser.add_argument("--settings", type=json.loads, default={}, help="of all runs, as JSON")
    parser.add_argument("--folder", type=Path, help="keeps what was drawn and run")
    return parser.parse_args()


class Bench:
    """One taste, its votes and its runs."""

    def __init__(self, folder: Path, taste: str, votes: int) -> None:
        self._folder, self._votes = folder, votes
        self.taste = next(name for name in TASTES if name.startswith(taste))
        self._score = TASTES[self.taste]
        self._trainer = TrainerProcess(cache=folder / "cache")
        self._painter = Painter(folder)
        self._unseen = [
            RenderItem(prompt, seed + len(SEEDS) * place)
            for place, prompt in enumerate(unseen_prompts())
            for seed in SEEDS
        ]

    def share(self, objective: str, flip: float, settings: dict) -> str:
        """Train by one objective; the share of pictures that fit better, by how much, seconds."""
        run = RunFolder(self._folder / f"{self.taste.split()[0]}-{self._votes}-{objective}-{flip}")
        if run.status().state != "done":
            settings = {**settings, "objective": objective}
            self._trainer.prepare(run.path, self._snapshot(flip), self._painter.model, settings)
            self._trainer.start(run.path)
            while run.status().state == "running":
                time.sleep(1)
        status = run.status()
        if status.state != "done" or status.result is None:
            return f"{status.state}: {status.error}"
        before = self._painter.draw(self._unseen)
        after = self._painter.draw(self._unseen, run.adapter)
        gains = [
            self._score(read(late)) - self._score(read(early))
            for early, late in zip(before, after, strict=True)
        ]
        share = np.mean([1.0 if gain > 0 else 0.5 if gain == 0 else 0.0 for gain in gains])
        return f"{share:.1%} by {np.mean(gains):.0f} ({status.result['seconds']:.0f} s)"

    def _snapshot(self, flip: float) -> Path:
        """The votes of this taste as a snapshot folder; the same pairs whatever the flips."""
        snapshot = self._folder / f"snapshot-{self.taste.split()[0]}-{self._votes}-{flip}"
        if snapshot.exists():
            return snapshot
        chance = random.Random(1)
        prompts = built_in_prompts("emoji") * 2
        chance.shuffle(prompts)
        items = [
            RenderItem(prompt, chance.randrange(2**32))
            for prompt in prompts[: self._votes + SPARE]
            for _ in range(2)
        ]
        votes = []
        files = self._painter.draw(items)
        for item, first, second in zip(items[::2], files[::2], files[1::2], strict=True):
            gain = self._score(read(first)) - self._score(read(second))
            kept = chance.random() >= flip
            if gain != 0:
                ordered = (first, second) if (gain > 0) == kept else (second, first)
                votes.append((item.prompt, *ordered))
        return write_snapshot(snapshot, votes[: self._votes])


class Painter:
    """Draws with the base or an adapter, each picture once."""

    def __init__(self, folder: Path) -> None:
        quiet_libraries()
        self.model = describe_model()
        self.compute = choose_compute()
        self._pipeline = load_pipeline(self.model, self.compute)
        self._adapters = Adapters(self._pipeline)
        self._folder = folder / "pictures"
        self._drawn: dict[tuple, Path] = {}

    def draw(self, items: list[RenderItem], adapter: Path | None = None) -> list[Path]:
        """The picture files of these prompts and seeds, in order."""
        missing = [item for item in items if (item, adapter) not in self._drawn]
        self._adapters.use([(str(adapter), 1.0)] if adapter else [])
        settings = settings_of(self.model)
        for indices in batches(len(missing), 0.016, patient=True):
            batch = [missing[i] for i in indices]
            images = render(self._pipeline, self.compute, batch, settings)
            for item, image in zip(batch, images, strict=True):
                sha256 = store(image, self._folder).sha256
                self._drawn[item, adapter] = self._folder / sha256[:2] / f"{sha256}.png"
        return [self._drawn[item, adapter] for item in items]


if __name__ == "__main__":
    main()
