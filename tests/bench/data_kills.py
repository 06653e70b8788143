"""What survives being killed at named points of a backup, a restore and a merge.

python tests/bench/data_kills.py [backup restore replace merge] [--kills 40]

Kills a real process before or after a rename, link, removal, sync or commit, at points spread
evenly over all that it passes, opens the studio again, and compares every row and every file with
those of before and after. Prints a line of Markdown for each, and ends with 1 where one differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/storage")]

from data_kills import WHATS, Scene


def main() -> None:
    """Kill each as often as asked, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("whats", nargs="*", default=WHATS)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--only", default="", help="at the steps whose names hold this")
    chosen = parser.parse_args()
    lines, is_good = [], True
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        for what in chosen.whats:
            line, good = killed(scene, what, chosen.kills, chosen.only)
            lines.append(line)
            is_good &= good
    print(
        "| killed | steps | kills | as before or as after | kinds of steps |\n|---|---|---|---|---|"
    )
    print(*lines, sep="\n")
    sys.exit(not is_good)


def killed(scene: Scene, what: str, kills: int, only: str) -> tuple[str, bool]:
    """Kill one of them at points spread over its steps; return its line, and whether all held."""
    steps = scene.kill(what, 0).steps
    points = [number for number, step in enumerate(steps, start=1) if only in step]
    points = points[:: max(1, len(points) // kills)][:kills]
    held, kinds = 0, Counter[str]()
    for point in points:
        name = steps[point - 1]
        try:
            assert scene.kill(what, point).killed, "it ended before it could be killed"
            held += 1
        except AssertionError as error:
            print(f"{what} at {point}, {name}: {error}", flush=True)
        kinds[" ".join(name.split()[:2])] += 1
        print(f"{what} {point} of {len(steps)}: {name}", flush=True)
    told = ", ".join(f"{name} {number}" for name, number in kinds.most_common())
    line = f"| {what} | {len(steps)} | {len(points)} | {held} | {told} |"
    return line, held == len(points)


if __name__ == "__main__":
    main()
