"""Are broken and collapsed versions held back, and good ones not? Twenty of each by default.

    python tests/bench/checks.py [--trials 20] [--kinds broken,collapsed,good] [--folder DIR]

Good: runs on 40 votes by one of four tastes, each with votes of its own. Collapsed: runs that are
taught one image whatever the prompt. Broken: adapters of random weights. Each is checked as the
app would check it. With `--folder` runs are kept there, and one that is done is not done again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from bench_snapshot import write_snapshot
from objectives import Painter
from tastes import TASTES, read

from align.adapters.lora import add_lora, save_adapter
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.rendering import RenderItem
from align.evaluation.evaluate import evaluate
from align.evaluation.release_checks import SEEDS
from align.weights.pipeline import load_pipeline
from annotate.rendering.prompts.prompt_sources import built_in_prompts

VOTES, SPARE = 40, 6
GOOD = {"steps": 100}
COLLAPSED = {
    "objective": "sft",
    "steps": 120,
    "learning_rate": 2e-3,
    "min_timestep_fraction": 0.0,
    "prompt_dropout": 0.5,
    "patience": 0,
}
NOISE = (0.6, 1.0, 2.0, 3.0)
"""Standard deviations of the weights of broken adapters, in turn."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--kinds", default="broken,collapsed,good")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(arguments.folder or Path(scratch))
        for name in arguments.kinds.split(","):
            kind, found = getattr(bench, name), []
            for trial in range(arguments.trials):
                found.append(kind(trial))
                print(f"  {name} {trial}: {found[-1] or 'passed'}", flush=True)
            held = sum(bool(names) for names in found)
            print(f"{name}: {held} of {len(found)} held back", flush=True)


class Bench:
    """Makes versions of three kinds; each method says which checks one failed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._painter = Painter(folder)
        self._trainer = TrainerProcess(cache=folder / "cache")
        self._prompts = built_in_prompts("emoji")

    def broken(self, trial: int) -> list[str]:
        """An adapter of random weights."""
        folder = self._folder / f"broken-{trial}"
        adapter = folder / "adapter.safetensors"
        if not adapter.exists():
            unet = load_pipeline(self._painter.model, self._painter.compute).unet
            add_lora(unet, 16, seed=trial)
            chance = torch.Generator().manual_seed(trial)
            for name, parameter in unet.named_parameters():
                if "lora_B" in name:
                    noise = torch.randn(parameter.shape, generator=chance)
                    parameter.data = NOISE[trial % len(NOISE)] * noise
            save_adapter(unet, adapter)
            assert load_file(adapter)
        prompts = random.Random(trial).sample(self._prompts, 8)
        result = evaluate(folder / "evaluation", prompts, SEEDS, [adapter])
        return [check["name"] for check in result["checks"] if not check["passed"]]

    def collapsed(self, trial: int) -> list[str]:
        """A run that is taught one image whatever the prompt."""
        chance = random.Random(trial)
        wanted = RenderItem(chance.choice(self._prompts), trial)
        others = [RenderItem(p, trial + 1) for p in chance.sample(self._prompts, VOTES)]
        one, *files = self._painter.draw([wanted, *others])
        votes = [(item.prompt, one, file) for item, file in zip(others, files, strict=True)]
        return self._run(f"collapsed-{trial}", votes, COLLAPSED)

    def good(self, trial: int) -> list[str]:
        """A run on votes by a taste."""
        score = list(TASTES.values())[trial % len(TASTES)]
        chance = random.Random(f"good {trial}")
        prompts = chance.sample(self._prompts, VOTES + SPARE)
        items = [RenderItem(p, chance.randrange(2**32)) for p in prompts for _ in range(2)]
        files = self._painter.draw(items)
        votes = []
        for item, first, second in zip(items[::2], files[::2], files[1::2], strict=True):
            gain = score(read(first)) - score(read(second))
            if gain != 0:
                sides = (first, second) if gain > 0 else (second, first)
                votes.append((item.prompt, *sides))
        return self._run(f"good-{trial}", votes[:VOTES], GOOD)

    def _run(self, name: str, votes: list[tuple[str, Path, Path]], settings: dict) -> list[str]:
        run = RunFolder(self._folder / name)
        if run.status().state != "done":
            snapshot = self._folder / f"snapshot-{name}"
            if not snapshot.exists():
                write_snapshot(snapshot, votes)
            self._trainer.prepare(run.path, snapshot, self._painter.model, settings)
            self._trainer.start(run.path)
            while run.status().state == "running":
                time.sleep(0.5)
        result = run.status().result
        if result is None or result.get("unchecked"):
            raise RuntimeError(f"{name}: {run.status()}")
        return [check["name"] for check in result["checks"] if not check["passed"]]


if __name__ == "__main__":
    main()
