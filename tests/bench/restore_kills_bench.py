"""Kill a restore of votes at every step, and look at what is left.

python tests/bench/restore_kills_bench.py [--every N]

Prints a line of Markdown: points, kills, and studios that were as before, as after, or neither.
Ends with 1 where one is neither, or where restoring again does not give everything.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
sys.path[:0] = [str(ROOT), str(TESTS), str(TESTS / "storage"), str(TESTS / "storage/merging")]

from restore_kills import copied, killed, prepare, state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill at every so manieth point only")
    every = parser.parse_args().every
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        exported, empty, whole = prepare(folder)
        known = {state(empty): "before", state(whole): "after"}
        _, steps = killed(exported, copied(empty, folder / "counted"), 0)
        for point in range(1, len(steps) + 1, every):
            home = copied(empty, folder / "killed")
            assert killed(exported, home, point)[0], steps[point - 1]
            end = known.get(state(home), "neither")
            ends[end] += 1
            if end == "before":
                killed(exported, home, 0)
                ends["not restored by another try"] += known.get(state(home)) != "after"

    print("| points | kills | as before | as after | neither | not restored by another try |")
    print("|---|---|---|---|---|---|")
    kinds = ("before", "after", "neither", "not restored by another try")
    counts = " | ".join(str(ends[kind]) for kind in kinds)
    print(f"| {len(steps)} | {sum(ends[kind] for kind in kinds[:3])} | {counts} |")
    sys.exit(bool(ends["neither"] or ends["not restored by another try"]))


if __name__ == "__main__":
    main()
