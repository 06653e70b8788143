"""Kill an import or a removal of a source at every step, and look at what is left.

python tests/bench/source_kills_bench.py [--every N]

Prints a line of Markdown for each kind: points, kills, and studios that were as before, as
after, or neither. Ends with 1 where one is neither.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/storage"), str(ROOT / "tests/storage/sources")]

from source_kills import copied, killed, prepare, state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill at every so manieth point only")
    every = parser.parse_args().every
    print("| what | points | kills | as before | as after | neither |\n|---|---|---|---|---|---|")
    bad = 0
    for what in ("files", "copy", "remove"):
        with tempfile.TemporaryDirectory() as folder:
            points, ends = kill_everywhere(Path(folder), what, every)
        bad += ends["neither"]
        kinds = " | ".join(str(ends[kind]) for kind in ("before", "after", "neither"))
        print(f"| {what} | {points} | {sum(ends.values())} | {kinds} |", flush=True)
    sys.exit(bool(bad))


def kill_everywhere(folder: Path, what: str, every: int) -> tuple[int, Counter[str]]:
    """Kill at each point, in a fresh copy of the studio; return the points and how each ended."""
    home, files = prepare(folder)
    if what == "remove":
        killed(home, files, "files", 0)
    before = state(home)
    done = copied(home, folder / "done")
    _, steps = killed(done, files, what, 0)
    after, ends = state(done), Counter[str]()

    for point in range(1, len(steps) + 1, every):
        studio = copied(home, folder / "killed")
        killed(studio, files, what, point)
        left = state(studio)
        kind = "before" if left == before else "after" if left == after else "neither"
        if kind == "neither":
            print(f"{what} at {point}, {steps[point - 1]}: {left}", file=sys.stderr)
        ends[kind] += 1
    return len(steps), ends


if __name__ == "__main__":
    main()
