"""What the studio's own copies cost at 100,000 votes: how long a vote waits, and a start takes.

python tests/bench/copying.py [--votes 100000]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "storage")]

from storage_making import BASE, make_pairs

from storage import Pair, Store, new_id
from storage.acts import NewVote
from storage.database import Cursor

FRESH = 400


def main() -> None:
    """Fill a studio, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=int, default=100_000)
    votes = parser.parse_args().votes
    with tempfile.TemporaryDirectory() as folder:
        home, killed = Path(folder) / "studio", Path(folder) / "killed"
        with Store(home) as store:
            store.ensure_base(BASE)
            store._database.write(partial(fill, votes=votes))
        print(f"{votes:,} votes, {(home / 'palate.duckdb').stat().st_size / 1e6:.0f} MB")
        with Store(home) as store:
            pairs = make_pairs(store, FRESH)
            print("a vote alone:", told(vote(store, pairs[:100])))
            print("a vote during a copy:", told(during_a_copy(store, pairs[100:])))
            shutil.copytree(home, killed)
        print(f"start after a clean stop: {timed(partial(open_once, home)):.2f} s")
        print(f"start after a kill: {timed(partial(open_once, killed)):.2f} s")


def fill(cursor: Cursor, votes: int) -> None:
    """Write rows as the app would, all in one transaction."""
    cursor.execute(
        "INSERT INTO images SELECT md5('i' || i), sha256('s' || i), 128, 128, "
        """'{"base":"emoji","version":"base","prompt":"a cat ' || i || '","seed":' || i || '}', """
        f"sha256('r' || i), 'base', '2026-01-01' FROM range({2 * votes}) t(i)"
    )
    cursor.execute(
        "INSERT INTO pairs SELECT md5('p' || i), nextval('pair_numbers'), 'a cat ' || i, "
        "md5('i' || 2 * i), md5('i' || (2 * i + 1)), 'emoji', 'base', '2026-01-01' "
        f"FROM range({votes}) t(i)"
    )
    cursor.execute(
        "INSERT INTO votes SELECT nextval('vote_ids'), uuid()::VARCHAR, 'emoji', md5('p' || i), "
        "'ann', 'left', md5('i' || 2 * i), md5('i' || 2 * i), 900, NULL, '2026-01-01' "
        f"FROM range({votes}) t(i)"
    )


def during_a_copy(store: Store, pairs: list[Pair]) -> list[float]:
    """Vote while a copy is made, as the keeper makes it."""
    copies, taken = store.opening.copies, [0.0]

    def make() -> None:
        taken[0] = timed(lambda: copies.make("votes", store._database.copy_to))

    maker = threading.Thread(target=make)
    maker.start()
    waits: list[float] = []
    for pair in pairs:
        if not maker.is_alive():
            break
        waits += vote(store, [pair])
        time.sleep(0.02)
    maker.join()
    print(f"a copy, read through: {taken[0]:.2f} s")
    return waits


def vote(store: Store, pairs: list[Pair]) -> list[float]:
    return [
        timed(lambda pair=pair: store.vote(NewVote.parse(pair.pair_id, "left", "bob", new_id())))
        for pair in pairs
    ]


def open_once(home: Path) -> None:
    Store(home).close()


def timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def told(waits: list[float]) -> str:
    ms = sorted(1000 * wait for wait in waits)
    p95 = ms[int(0.95 * (len(ms) - 1))]
    return f"median {statistics.median(ms):.1f} ms, p95 {p95:.1f}, most {ms[-1]:.1f} of {len(ms)}"


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    main()
