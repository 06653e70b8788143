"""A run that pauses for the sampler on a card that holds one of them, against one that does not.

    python tests/bench/one_card.py [--share 0.2] [--min-run 20] [--steps 0]

The card is a double: the sampler says that its device is full. Model, sampler and trainer are real.
Somebody votes all the while. Prints who had the card for how long, the sampler's share of all time,
votes and the longest wait for a pair, and whether the adapter equals to the bit that of a copy of
the run which nobody asked to pause.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from one_card import Labeler, Occupants, one_card

from align.client.models import describe_model
from align.client.run_folder import RunFolder
from align.training.session import train_folder
from annotate.training.turns import TurnRules


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=0.2, help="the sampler's, of all time")
    parser.add_argument("--min-run", type=float, default=20.0, help="seconds between two turns")
    parser.add_argument("--steps", type=int, default=0, help="0: as many as the preset takes")
    parser.add_argument("--votes", type=int, default=30)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds that a vote takes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    """Run and pause, then train the same again."""
    rules = TurnRules(arguments.share, arguments.min_run, 0.5, 5.0, 10.0, 1.0)
    settings = {"precision": "fp32", "check_prompts": 0, "micro_batch_size": 0}
    settings |= {"steps": arguments.steps} if arguments.steps else {}
    with one_card(folder, describe_model(), rules, min_ready=24) as studio:
        Labeler(studio).vote(arguments.votes)
        began = time.monotonic()
        run_id = studio.fine_tune(settings)["run_id"]
        run = RunFolder(folder / "studio" / "runs" / run_id)
        on_card = Occupants(run, folder / "sampler.pid")
        with Labeler(studio, arguments.pause) as labeler:
            on_card.follow(studio, lambda state: state == "done")
        seconds = time.monotonic() - began
        assert studio.run_status(run_id)["state"] == "done", run.log.read_text("utf-8")

    trained = run.status().result["seconds"]
    lines = [
        ("pauses", f"{len(on_card.starts) - 1}"),
        *((f"{who} on the card", f"{value:.0f} s") for who, value in on_card.seconds.items()),
        ("from click to version", f"{seconds:.0f} s, of which {trained:.0f} s in the trainer"),
        ("the sampler's share", f"{on_card.seconds['sampler'] / seconds:.0%}"),
        ("votes meanwhile", f"{labeler.votes}, longest wait {labeler.longest_wait_s:.0f} s"),
        ("equal to the bit", str(equals_undisturbed(run, folder / "alone"))),
    ]
    for name, value in lines:
        print(f"| {name} | {value} |", flush=True)


def equals_undisturbed(run: RunFolder, folder: Path) -> bool:
    """Train a copy of a run without a pause, and compare the adapters."""
    folder.mkdir()
    copy = RunFolder(folder)
    shutil.copyfile(run.config_path, copy.config_path)
    shutil.copytree(run.snapshot, copy.snapshot)
    train_folder(copy.path)
    ours, theirs = load_file(run.adapter), load_file(copy.adapter)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


if __name__ == "__main__":
    main()
