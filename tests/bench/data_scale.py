"""What a million pairs of others cost: import, snapshot, export, and the page beside them.

    python tests/bench/data_scale.py [--pairs 1000000] [--images 100000] [--votes 100000]
                                     [--acts 300] [--folder DIR] [--steps import,snapshot]

Random JPEGs of some two kilobytes in Parquet shards with Pick-a-Pic's columns, which are deleted
afterwards. Each step runs in a process of its own: its seconds, and the most memory it held. Then
the page: next pair and vote as scale.py asks for them, in a studio with and without the source, in
turn. Ends with 1 where the page takes more than 1.5 times as long beside the source.
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import httpx
import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

from many_votes import make_studio
from running import App
from scale import Page, wait_until_idle

SHARD_ROWS, ROW_GROUP, SIDE = 50_000, 256, 40
TIMES_AS_LONG = 1.5
SHARD = """
COPY (
    SELECT one.bytes AS jpg_0, two.bytes AS jpg_1, n % 2 AS label_0, 1 - n % 2 AS label_1,
           'a subject of its own, number ' || hash(n) % 50000 AS caption,
           'one ' || one.place AS image_0_uid, 'two ' || two.place AS image_1_uid,
           true AS has_label, true AS are_different, 'user ' || hash(n) % 500 AS user_id
    FROM range($first, $last) AS r(n)
    JOIN images AS one ON one.place = hash('one' || n) % $images
    JOIN images AS two ON two.place = (hash('one' || n) % $images + 1 + n % 7) % $images
) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {group})
"""
SNAPSHOT = """
import sys; from pathlib import Path; from storage import Store
with Store(Path(sys.argv[1])) as store:
    snapshot = store.write_snapshot(sys.argv[2], settle_s=0.0)
    print(snapshot.path, snapshot.counts)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--votes", type=int, default=100_000, help="of people, in the studio")
    parser.add_argument("--acts", type=int, default=300, help="votes that are timed")
    parser.add_argument("--folder", type=Path, help="where to work, and what stays there")
    parser.add_argument("--steps", default="make,import,snapshot,export,page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        folder.mkdir(exist_ok=True)
        steps = arguments.steps.split(",")
        if "make" in steps:
            make(folder, arguments)
        take(folder, steps)
        if "page" in steps:
            slow = beside_a_source(folder / "studio", folder / "with a source", arguments.acts)
            raise SystemExit(slow)


def make(folder: Path, arguments: argparse.Namespace) -> None:
    """Make two studios of people's votes, and shards of the votes of others."""
    make_studio(folder / "studio", arguments.votes, 1_000, 2_000)
    shutil.copytree(folder / "studio", folder / "with a source")
    make_shards(folder / "shards", arguments.pairs, arguments.images)


def take(folder: Path, steps: Sequence[str]) -> None:
    """Bring the shards in, freeze a snapshot of all votes, and write them out again."""
    home, shards = folder / "with a source", sorted((folder / "shards").glob("*.parquet"))
    storage = [sys.executable, "-m", "storage"]
    if "import" in steps:
        told("import", [*storage, "import", *map(str, shards), "--home", str(home)])
    if "snapshot" in steps:
        told("snapshot", [sys.executable, "-c", SNAPSHOT, str(home), base_of(home)])
    if "export" in steps:
        target = str(folder / "out")
        told("export", [*storage, "export", str(home), target, "--form", "parquet"])
        shutil.rmtree(target)


def base_of(home: Path) -> str:
    """Return the model that the votes of a studio are for."""
    with duckdb.connect(home / "palate.duckdb", read_only=True) as database:
        return str(database.execute("SELECT base FROM votes LIMIT 1").fetchall()[0][0])


def make_shards(folder: Path, pairs: int, images: int) -> list[Path]:
    """Write shards of pairs over a number of random images."""
    folder.mkdir()
    database = duckdb.connect()
    database.execute("CREATE TABLE images (place BIGINT, bytes BLOB)")
    for batch in batches(images, 2_000):
        made = [[place, jpeg(place)] for place in batch]
        database.executemany("INSERT INTO images VALUES (?, ?)", made)

    shards = []
    for first in range(0, pairs, SHARD_ROWS):
        shards.append(folder / f"train-{len(shards):05}.parquet")
        sql = SHARD.format(path=shards[-1], group=ROW_GROUP)
        last = min(pairs, first + SHARD_ROWS)
        database.execute(sql, {"first": first, "last": last, "images": images})
    size = sum(path.stat().st_size for path in shards)
    print(f"{pairs:,} pairs of {images:,} images in {len(shards)} shards, {size / 1e9:.1f} GB")
    return shards


def batches(count: int, size: int) -> Iterator[range]:
    """Yield the numbers below a count, so many at a time."""
    for first in range(0, count, size):
        yield range(first, min(count, first + size))


def jpeg(seed: int) -> bytes:
    """Return a random JPEG of some two kilobytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def told(name: str, command: Sequence[str]) -> None:
    """Run a step in a process of its own, and print its seconds and the most memory it held."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    watched, most = psutil.Process(process.pid), [0]
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.extend(process.stdout or ()))
    reader.start()
    while process.poll() is None:
        try:
            most.append(watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.05)
    reader.join()
    took = time.perf_counter() - began
    last = output[-1].strip()[-300:] if output else ""
    print(f"{name}: {took:.0f} s, at most {max(most) / 1e6:.0f} MB. {last}", flush=True)
    if process.wait() != 0:
        raise SystemExit(f"{name} failed: {''.join(output[-5:])}")


def beside_a_source(home: Path, beside: Path, acts: int) -> bool:
    """Time the page in both studios in turn; return whether the source makes it too slow."""
    took: dict[Path, dict[str, list[float]]] = {home: {}, beside: {}}
    for studio in (home, beside, home, beside):
        app = App(studio, "--train-every", "0")
        app.start()
        try:
            with httpx.Client(base_url=app.url, timeout=300) as client:
                page = Page(client, f"ann {random.random()}")
                page.refill()
                wait_until_idle(page)
                for name, times in page.act(acts).items():
                    took[studio].setdefault(name, []).extend(times)
        finally:
            app.stop()

    slow = False
    for name in ("next pair", "vote"):
        for share in (50, 95):
            alone, with_source = (np.percentile(took[studio][name], share) for studio in took)
            ratio = with_source / alone
            slow |= ratio > TIMES_AS_LONG
            print(f"{name}, p{share}: {alone:.1f} ms alone, {with_source:.1f} ms, {ratio:.2f} x")
    return slow


if __name__ == "__main__":
    main()
