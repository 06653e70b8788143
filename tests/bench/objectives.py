"""Which objective learns a taste best, and with which settings? The same votes for all runs.

    python tests/bench/objectives.py [--taste dark] [--votes 100] [--sample 1] [--flips 0,0.3]
        [--objectives dpo,kto] [--settings '{}' '{"kappa": 30}'] [--unnamed] [--folder DIR]

Without the app: pairs of the base model's images, votes by a pixel rule (a share of them turned
around), a run for each objective with each of the settings in place of the preset's, then images of
prompts nobody voted on, before and after, with the same seeds. Prints a Markdown table: the share
of images that fit the taste better, by how much in the rule's own units, how varied they are beside
the base's (`variety.py`), of how many the prompt is told (`naming.py`), held-out pairs that are
ordered right, the step whose adapter was kept, how far it moved from the base, seconds.

Another `--sample` is of other pairs, other votes, another seed of the run and other seeds of the
images that are counted. With `--folder` everything is kept there and nothing is done twice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from bench_snapshot import write_snapshot
from naming import PromptClassifier
from painter import Painter
from taste import unseen_prompts
from tastes import TASTES, read
from variety import variety

from align.client.config import configure
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.rendering import RenderItem
from align.files import read_json, write_json
from annotate.rendering.prompts.prompt_sources import built_in_prompts

OBJECTIVES = "dpo,dpop,ipo,cdpo,soft,mapo,kto,sft"
SEEDS = (11, 12)
"""Of the first prompt. Every prompt has two of its own: noise decides much of a background."""
SAMPLE_SEEDS = 100_000
"""Apart are the seeds of one sample and the next."""
SPARE = 10
"""Pairs more than votes, for those that the rule calls equal."""
COLUMNS = ("run", "turned around", "fits better", "by", "variety", "prompts kept",
           "held out", "step kept", "moved", "seconds")  # fmt: skip


def main() -> None:
    """Draw, vote, run everything that was asked for, print the table."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        bench = Bench(
            folder, arguments.taste, arguments.votes, arguments.sample, not arguments.unnamed
        )
        print(f"{bench.taste}, {arguments.votes} votes, sample {arguments.sample}\n")
        print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
        for settings in asked_for(arguments.objectives.split(","), arguments.settings):
            for flip in arguments.flips.split(","):
                print(bench.row(settings, float(flip)), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taste", default="dark", help="the name or its beginning")
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--sample", type=int, default=1, help="1, 2, …: other pairs and seeds")
    parser.add_argument("--flips", default="0,0.3", help="shares of votes turned around")
    parser.add_argument("--objectives", default=OBJECTIVES)
    parser.add_argument(
        "--settings",
        type=json.loads,
        nargs="+",
        default=[{}],
        help="of runs, as JSON objects; each is run with every objective, or with its own",
    )
    parser.add_argument(
        "--unnamed", action="store_true", help="leaves out prompts kept: a quarter of the time"
    )
    parser.add_argument("--folder", type=Path, help="keeps what was drawn, run and measured")
    return parser.parse_args()


def asked_for(objectives: list[str], settings: list[dict]) -> list[dict]:
    """The settings of every run: each object with every objective, unless it names its own."""
    runs = [{"objective": name, **one} for one in settings for name in objectives]
    return [one for place, one in enumerate(runs) if one not in runs[:place]]


class Bench:
    """One sample of votes for one taste, and the runs on them."""

    def __init__(
        self, folder: Path, taste: str, votes: int, sample: int, names: bool = True
    ) -> None:
        self._folder, self._votes, self._sample = folder, votes, sample
        self._names = names
        self.taste = next(name for name in TASTES if name.startswith(taste))
        self._score = TASTES[self.taste]
        self._name = f"{self.taste.split()[0]}-{votes}-{sample}"
        self._trainer = TrainerProcess(cache=folder / "cache")
        self._painter = Painter(folder)
        prompts = unseen_prompts()
        self._namer = PromptClassifier(prompts, folder / "named.json")
        self._unseen = [
            RenderItem(prompt, seed + len(SEEDS) * place + SAMPLE_SEEDS * (sample - 1))
            for place, prompt in enumerate(prompts)
            for seed in SEEDS
        ]

    def row(self, settings: dict[str, Any], flip: float) -> str:
        """Train with these settings and measure; a row of the table."""
        run = self.run_of(settings, flip)
        measured = read_json(run.path / "measured.json") or {}
        if not measured:
            self.train(settings, flip)
        if run.status().state == "done":
            measured = self._measure(run, measured)
            write_json(run.path / "measured.json", measured)
        told = f"| {named(settings)} | {flip:.0%} |"
        if not measured:
            return f"{told} {run.status().state}: {run.status().error} |"
        return told + "".join(f" {one} |" for one in cells(measured))

    def _run_name(self, settings: dict[str, Any], flip: float) -> str:
        """A name that other settings, another preset or other weights do not share."""
        model = self._painter.model
        whole = [model.identity, asdict(configure(model.preset, settings))]
        digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self._name}-{flip}-{settings['objective']}-{digest}"

    def run_of(self, settings: dict[str, Any], flip: float) -> RunFolder:
        """The folder of the run with these settings."""
        return RunFolder(self._folder / self._run_name(self._seeded(settings), flip))

    def train(self, settings: dict[str, Any], flip: float) -> RunFolder:
        """Bring the run to its end, going on where an earlier call was stopped."""
        run, chosen = self.run_of(settings, flip), self._seeded(settings)
        if run.status().state == "done":
            return run
        if not (run.path / "config.json").exists():
            self._trainer.prepare(run.path, self._snapshot(flip), self._painter.model, chosen)
        self._trainer.start(run.path)
        while run.status().state == "running":
            time.sleep(1)
        return run

    def _seeded(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {"seed": self._sample - 1, **settings}

    def _measure(self, run: RunFolder, measured: dict[str, Any]) -> dict[str, Any]:
        """What a finished run made of the taste, variety and prompts; what is known stays."""
        if "named" in measured or (measured and not self._names):
            return measured
        before = self._painter.draw(self._unseen)
        after = self._painter.draw(self._unseen, run.adapter)
        gains = [
            self._score(read(late)) - self._score(read(early))
            for early, late in zip(before, after, strict=True)
        ]
        measured = {
            "share": float(np.mean([1.0 if g > 0 else 0.5 if g == 0 else 0.0 for g in gains])),
            "gain": float(np.mean(gains)),
            "variety": variety(self._namer, after, before, len(SEEDS)),
            "result": run.status().result,
        }
        if self._names:
            prompts = [item.prompt for item in self._unseen]
            measured["named"] = self._namer.share_named_right(after, prompts)
            measured["named_before"] = self._namer.share_named_right(before, prompts)
        return measured

    def _snapshot(self, flip: float) -> Path:
        """The votes as a snapshot folder; the same pairs whatever the flips."""
        snapshot = self._folder / f"snapshot-{self._name}-{flip}"
        if (snapshot / "manifest.json").exists():
            return snapshot
        chance = random.Random(self._sample)
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


def named(settings: dict[str, Any]) -> str:
    """A run by its objective and what else was set."""
    others = [f"{name} {value}" for name, value in settings.items() if name != "objective"]
    return ", ".join([settings["objective"], *others])


def cells(measured: dict[str, Any]) -> list[str]:
    """What was measured, in the order of the table's columns."""
    result = measured["result"]
    held_out, kept = result["held_out"], "–"
    if "named" in measured:
        kept = f"{measured['named']:.1%} of {measured['named_before']:.1%}"
    return [
        f"{measured['share']:.1%}",
        f"{measured['gain']:.0f}",
        f"{measured['variety']:.2f}",
        kept,
        f"{held_out['accuracy']:.0%} of {held_out['pairs']}" if held_out["pairs"] else "none",
        f"{result['kept_step']}",
        f"{result['movement']:.1%}" if "movement" in result else "–",
        f"{result['seconds']:.0f}",
    ]


if __name__ == "__main__":
    main()
