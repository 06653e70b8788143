"""How far do runs move a model, and what is little or much? The same votes, three learning rates.

    python tests/bench/movement.py [--votes 100] [--tastes pink,ink] [--factors 0.1,1,10]
        [--folder DIR]

Votes by a pixel rule on the base's images, then runs with the preset's learning rate times each of
the factors, without release checks. Prints a Markdown table: the distance from the base on fixed
inputs (`align/training/movement.py`), held-out pairs that are ordered right, the step that is kept.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from objectives import Bench

from align.client.config import PRESETS

COLUMNS = ("taste", "learning rate", "moved", "held out", "step kept", "seconds")


def main() -> None:
    """Vote, run everything, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=int, default=100)
    parser.add_argument("--tastes", default="pink,ink")
    parser.add_argument("--factors", default="0.1,1,10")
    parser.add_argument("--folder", type=Path, help="keeps what was drawn and run")
    arguments = parser.parse_args()

    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    with tempfile.TemporaryDirectory() as scratch:
        for taste in arguments.tastes.split(","):
            bench = Bench(arguments.folder or Path(scratch), taste, arguments.votes, 1, names=False)
            for factor in arguments.factors.split(","):
                print(row(bench, float(factor)), flush=True)


def row(bench: Bench, factor: float) -> str:
    """Train with so many times the preset's learning rate; a row of the table."""
    rate = factor * PRESETS["embedded"].learning_rate
    settings = {"objective": "dpo", "learning_rate": rate, "check_prompts": 0}
    status = bench.train(settings, 0.0).status()
    result = status.result
    if result is None:
        return f"| {bench.taste} | {rate:g} | {status.state}: {status.error} | | | |"
    held_out = result["held_out"]
    right = f"{held_out['accuracy']:.0%} of {held_out['pairs']}" if held_out["pairs"] else "none"
    cells = (bench.taste, f"{rate:g}", f"{result['movement']:.2%}", right)
    return f"| {' | '.join(cells)} | {result['kept_step']} | {result['seconds']:.0f} |"


if __name__ == "__main__":
    main()
