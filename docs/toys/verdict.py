"""The anytime-valid verdict beside a z-test that is looked at after every vote.

python docs/toys/verdict.py [PNG]      about five seconds on one CPU core

2,000 blind tests between equal versions, and 2,000 where the new version wins 60 % of the votes.
Somebody looks after every vote and stops as soon as a test calls it. The verdict is
annotate.statistics.sequential_test's; the z-test is the usual one at 5 %.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from annotate.statistics import Tally, critical_wins, outcome

TESTS, VOTES, FIRST_LOOK = 2000, 1000, 10
Z_AT_5_PERCENT = 1.96


def votes(rate: float, seed: int) -> np.ndarray:
    """Return the wins after each vote of each test: [TESTS, VOTES]."""
    return np.cumsum(np.random.default_rng(seed).random((TESTS, VOTES)) < rate, axis=1)


def called_by_verdict(wins: np.ndarray) -> np.ndarray:
    """Return whether the verdict has been called by each vote."""
    count = np.arange(1, VOTES + 1)
    needed = critical_wins(VOTES)[count]
    return np.logical_or.accumulate((wins >= needed) | (count - wins >= needed), axis=1)


def called_by_z_test(wins: np.ndarray) -> np.ndarray:
    """Return whether a z-test at 5 % has been significant at any look by each vote."""
    count = np.arange(1, VOTES + 1)
    z = np.abs(wins - count / 2) / np.sqrt(count / 4)
    return np.logical_or.accumulate((z > Z_AT_5_PERCENT) & (count >= FIRST_LOOK), axis=1)


def main(target: Path) -> None:
    """Simulate, print the figures and plot how many tests are called by each vote."""
    equal, better = votes(0.5, seed=0), votes(0.6, seed=1)
    lines = {
        "z-test, equal": called_by_z_test(equal).mean(axis=0),
        "verdict, equal": called_by_verdict(equal).mean(axis=0),
        "verdict, 60 %": called_by_verdict(better).mean(axis=0),
    }

    once = (np.abs(equal[:, -1] - VOTES / 2) / np.sqrt(VOTES / 4) > Z_AT_5_PERCENT).mean()
    print(f"{TESTS:,} blind tests of {VOTES:,} votes, looked at after every vote")
    print(f"between equals, z-test:         {lines['z-test, equal'][-1]:.1%} called, all wrong")
    print(f"between equals, z-test once:    {once:.1%}, looked at after the last vote alone")
    print(f"between equals, verdict:        {lines['verdict, equal'][-1]:.1%}, at most 5 % ever")

    reached = called_by_verdict(better)
    median = int(np.median(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, VOTES)))
    right = np.mean([outcome(Tally(int(w), VOTES - int(w))) == "better" for w in better[:, -1]])
    power = lines["verdict, 60 %"][-1]
    print(f"winning 60 %, verdict:          {power:.1%} called, half by {median} votes")
    print(f"winning 60 %, after the last:   {right:.1%} are called better")
    plot(target, lines)


def plot(target: Path, lines: dict[str, np.ndarray]) -> None:
    """Draw the share of tests that are called against the number of votes."""
    width, height, edge = 640, 320, 40
    image = Image.new("RGB", (width, height), "white")
    canvas = ImageDraw.Draw(image)
    across, up = width - 2 * edge, height - 2 * edge
    for share in (0.0, 0.05, 0.5, 1.0):
        level = edge + up * (1 - share)
        canvas.line((edge, level, width - edge, level), fill="#dddddd")
        canvas.text((6, level - 6), f"{share:.0%}", fill="#555555")
    canvas.text((width - edge - 60, height - edge + 8), f"{VOTES:,} votes", fill="#555555")
    for (name, shares), color in zip(lines.items(), ("#b91c1c", "#ea580c", "#0f766e"), strict=True):
        points = [(edge + across * n / VOTES, edge + up * (1 - s)) for n, s in enumerate(shares)]
        canvas.line(points, fill=color, width=2)
        canvas.text((points[300][0], points[300][1] - 16), name, fill=color)
    image.save(target)
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("verdict.png"))
