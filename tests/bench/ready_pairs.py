"""What thousands of ready pairs cost whoever labels, as ratios to as many as the pool keeps ready.

python tests/bench/ready_pairs.py                          24, 10,000 and 100,000 ready pairs
python tests/bench/ready_pairs.py --pairs 24 20000

Each size is taken in a process of its own, in a store without an app around it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "annotate")]

import psutil
from annotate_doubles import small_model
from many_pairs import add_pairs

from annotate.labeling.assignment import PairAssigner
from annotate.labeling.new_acts import as_vote
from annotate.rendering.look import recipe_facts
from annotate.rendering.studio_look import StudioLook
from storage.store import Store

BASE = "emoji-0123456789ab"
ROUNDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[24, 10_000, 100_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(dict(measure(arguments.one))))
        return

    first: dict[str, float] = {}
    for pairs in arguments.pairs:
        command = [sys.executable, __file__, "--one", str(pairs)]
        found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        first = first or found
        print(f"{pairs:,} ready pairs")
        for name, value in found.items():
            ratio = value / first[name] if first[name] else float("nan")
            print(f"  {name:22} {value:9.2f}   {ratio:6.2f} x")


def measure(pairs: int) -> Iterator[tuple[str, float]]:
    """Yield the name and value of each figure: milliseconds, and MB of this process."""
    home = Path(tempfile.mkdtemp(prefix="palate-ready-")) / "studio"
    with Store(home) as store:
        look = StudioLook(store, small_model(), BASE)
        add_pairs(store, BASE, pairs, **recipe_facts(look.current.settings()))
    # Anew, so that the memory of filling it does not count.
    process = psutil.Process()
    with Store(home) as store:
        look, before = StudioLook(store, small_model(), BASE), process.memory_info().rss
        assigner = PairAssigner(
            store, BASE, time.monotonic, random.Random(0), stale_pairs=look.stale_pairs
        )
        yield "open, ms", timed(lambda: assigner.open("base"), 1)
        store.waiting_pairs(BASE, 8)
        yield "memory, MB", (process.memory_info().rss - before) / 1e6
        yield from labeled(store, assigner)


def labeled(store: Store, assigner: PairAssigner) -> Iterator[tuple[str, float]]:
    """Yield what an annotator waits for, in milliseconds."""
    keys = map(str, count())

    def vote() -> None:
        assigner.vote(as_vote(assigner.open_item("ann").pair_id, "left", "ann", next(keys)))

    def next_pair() -> None:
        assigner.assign("ann", [], 1, False)

    each = [(timed(next_pair, 1), timed(vote, 1)) for _ in range(ROUNDS)]
    yield "next pair, ms", statistics.median(took for took, _ in each)
    yield "vote, ms", statistics.median(took for _, took in each)
    yield "undo, ms", timed(lambda: store.undo("ann", next(keys)), ROUNDS // 2)

    def pause() -> None:
        assigner.assign("bob", [], 2, False)
        assigner.release("bob")

    yield "pause, ms", timed(pause)
    yield "oldest waiting, ms", timed(lambda: store.waiting_pairs(BASE, 128))


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median of what some work takes, in milliseconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


if __name__ == "__main__":
    main()
