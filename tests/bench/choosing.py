"""Are chosen pairs worth more than pairs by chance? Simulated people with four tastes.

    python tests/bench/choosing.py [--pairs 300] [--seeds 30] [--stock 24] [--folder DIR]

The embedded model draws pairs. People vote on them by a pixel rule, 15 % of the time by chance, on
pairs that the app would pick from a stock that is filled up again, or on any of the stock. Printed
is how often the taste learned so far names the winner of 80 pairs that nobody voted on, by the
number of votes. It measures what the votes tell, not what a fine-tune makes of them.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from painter import Painter
from tastes import TASTES, read

from align.contracts.rendering import RenderItem
from annotate.insights.active_learning import RANDOM_SHARE
from annotate.insights.attributes import attributes
from annotate.rendering.prompts.prompt_sources import built_in_prompts
from annotate.statistics.preference_model import MIN_VOTES, fit_preference_model

TESTED = 80
VOTES = (10, 20, 30, 50, 75, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--stock", type=int, default=24)
    parser.add_argument("--noise", type=float, default=0.15)
    parser.add_argument("--folder", type=Path, help="keeps what was drawn and measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        looks_N2D, gains_TN = material(arguments.folder or Path(scratch), arguments.pairs)
    print("| chosen | " + " | ".join(f"{votes} votes" for votes in VOTES) + " |")
    print("|---|" + "---|" * len(VOTES))
    for policy in ("by chance", "by value"):
        shares = np.mean(
            [
                sit(looks_N2D, gains_N, policy, seed, arguments)
                for gains_N in gains_TN
                for seed in range(arguments.seeds)
            ],
            axis=0,
        )
        print(f"| {policy} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")


def material(folder: Path, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Attributes [pair, side, attribute] of drawn pairs, and how much each taste prefers left."""
    kept = folder / f"choosing-{pairs}.npz"
    if not kept.exists():
        chance = random.Random(3)
        prompts = (built_in_prompts("emoji") * (1 + pairs // 100))[:pairs]
        items = [RenderItem(p, chance.randrange(2**32)) for p in prompts for _ in range(2)]
        files = Painter(folder).draw(items)
        looks = np.array([attributes(file) for file in files]).reshape(pairs, 2, -1)
        scores = np.array([[score(read(file)) for file in files] for score in TASTES.values()])
        sides = scores.reshape(len(TASTES), pairs, 2)
        np.savez(kept, looks=looks, gains=sides[..., 0] - sides[..., 1])
    found = np.load(kept)
    return found["looks"], found["gains"]


def sit(
    looks_N2D: np.ndarray,
    gains_N: np.ndarray,
    policy: str,
    seed: int,
    arguments: argparse.Namespace,
) -> list[float]:
    """One person's sitting: how often the taste is right after so many votes."""
    rng = np.random.default_rng(seed)
    order = [int(n) for n in rng.permutation(len(gains_N)) if gains_N[n] != 0]
    tested, queue = order[:TESTED], order[TESTED:]
    stock, queue = queue[: arguments.stock], queue[arguments.stock :]
    difference_ND = looks_N2D[:, 0] - looks_N2D[:, 1]
    won, lost, taste, shares = [], [], None, []
    for vote in range(1, max(VOTES) + 1):
        place = int(rng.integers(len(stock)))
        if policy == "by value" and taste is not None and rng.random() >= RANDOM_SHARE:
            place = int(np.argmax(taste.information_gain(difference_ND[stock])))
        pair = stock.pop(place)
        stock += [queue.pop(0)] if queue else []
        left_won = (gains_N[pair] > 0) != (rng.random() < arguments.noise)
        won.append(looks_N2D[pair, 0 if left_won else 1])
        lost.append(looks_N2D[pair, 1 if left_won else 0])
        taste = fit_preference_model(np.array(won), np.array(lost)) if vote >= MIN_VOTES else None
        if vote in VOTES:
            right = (taste.win_probability(difference_ND[tested]) > 0.5) == (gains_N[tested] > 0)
            shares.append(float(right.mean()))
    return shares


if __name__ == "__main__":
    main()
