"""A large source: time and memory of its import, of reading it for a snapshot, and of its removal.

python tests/bench/sources_at_size.py [--rows 1000000] [--images 100000]

The images are made on the way, as if they were cells of a Parquet file: reading such a file is
measured elsewhere. Meanwhile somebody votes ten times a second, and the slowest vote is told.
"""

import argparse
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/storage")]

from storage_making import BASE, make_pairs

from storage import Store
from storage.acts import NewVote
from storage.layouts.foreign_votes import ForeignImage, ForeignVote, ImagePlace
from storage.sources.image_headers import PNG_END, PNG_START
from storage.sources.settled_sources import lost_images, settled_sources, source_references
from storage.sources.source_import import NewSource

HEAD = PNG_START + b"\0\0\0\rIHDR" + (512).to_bytes(4) * 2 + b"\x08\2\0\0\0"
IMAGE_BYTES = 2_000
VOTES_PER_S = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=100_000)
    given = parser.parse_args()
    print("| step | seconds | memory at most |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "studio")) as store:
        measure(store, Path(folder), given.rows, given.images)


def measure(store: Store, folder: Path, rows: int, images: int) -> None:
    """Bring a source in, read it and remove it, and print what each took."""
    parquet = folder / "votes.parquet"
    parquet.write_text("stands for the file that the images are cells of", encoding="utf-8")
    voting = Voting(store)
    new = NewSource(BASE, "large", "pickapic", [parquet], reader(rows, images), "ann", rows=rows)
    told("start", time.monotonic())

    began = time.monotonic()
    with voting:
        source = store.sources.bring_in(new).source
    told(f"import {source.votes:,} votes, {source.counts['images']:,} images", began)
    print(voting.told("meanwhile"))
    size = sum(file.stat().st_size for file in store.images_dir.parent.glob("palate.duckdb*"))
    print(f"| the database has {size / 1e6:.0f} MB | | |")

    began = time.monotonic()
    lost = lost_images(store._database, store._folder, BASE)
    read = sum(1 for _ in settled_sources(store._database, BASE, lost=lost))
    references = sum(1 for _ in source_references(store._database, store._folder, BASE))
    told(f"read {read:,} votes and {references:,} references", began)

    began = time.monotonic()
    with voting:
        store.sources.remove(BASE, "large", "ann")
    told("remove", began)
    print(voting.told("meanwhile"))


def reader(rows: int, images: int):
    """Return a reader of random pairs over so many images."""

    def read(files: Sequence[Path]) -> Iterator[ForeignVote]:
        chance = random.Random(7)
        for row in range(rows):
            better, worse = chance.randrange(images), chance.randrange(images - 1)
            worse += worse >= better
            shown = tuple(
                ForeignImage(ImagePlace(files[0], row, f"jpg_{side}"), content(seed))
                for side, seed in enumerate((better, worse))
            )
            prompt = f"a photo of the thing number {better % 10_000}, very detailed, warm light"
            yield ForeignVote(0, row, prompt, shown, "preference", annotator=f"user {row % 500}")

    return read


def content(seed: int) -> bytes:
    """Bytes with the head and the end of a PNG, and noise in between."""
    noise = random.Random(seed).randbytes(IMAGE_BYTES - len(HEAD) - len(PNG_END))
    return HEAD + noise + PNG_END


class Voting:
    """Votes at a steady pace, and how long each took."""

    def __init__(self, store: Store) -> None:
        store.ensure_base(BASE)
        self._store, self._pairs = store, iter(make_pairs(store, 3_000))
        self._took: list[float] = []

    def __enter__(self) -> None:
        self._took, self._stop = [], threading.Event()
        self._thread = threading.Thread(target=self._vote, daemon=True)
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _vote(self) -> None:
        for pair in self._pairs:
            began = time.monotonic()
            self._store.vote(NewVote.parse(pair.pair_id, "left", "ann", pair.pair_id))
            self._took.append(time.monotonic() - began)
            if self._stop.wait(1 / VOTES_PER_S):
                return

    def told(self, when: str) -> str:
        """Return a row on the votes since the last time."""
        took = sorted(1000 * each for each in self._took) or [0.0]
        late = took[int(0.95 * (len(took) - 1))]
        return (
            f"| {len(took):,} votes {when}: median {statistics.median(took):.0f} ms, "
            f"95 % {late:.0f} ms, slowest {took[-1]:.0f} ms | | |"
        )


def told(step: str, began: float) -> None:
    """Print a row of the table."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {step} | {time.monotonic() - began:.0f} | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
