"""Memory that snapshots of many votes in files take while they are written, and while read.

python tests/bench/snapshot_memory.py 100000 300000 1000000
python tests/bench/snapshot_memory.py stream 100000     images of a Parquet file on their way to a
                                                        trainer: random JPEGs of some 2 kB

Votes are made up, on images that are made up as well: 100,000 PNGs of 16 x 16 pixels with other
bytes each, in one Parquet file. Each figure is the peak of a process of its own, less what the
process takes with all modules loaded.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = 100_000


def png(number: int) -> bytes:
    """Return a PNG whose bytes differ by number."""
    import struct  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    def chunk(kind: bytes, content: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + tail

    head = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 17 * 16)
    note = chunk(b"tEXt", b"number\0" + str(number).encode())
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + note
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def made_up(count: int, file: Path) -> Iterator[object]:
    """Yield votes on two cells each, as a reader of Parquet does."""
    from storage.layouts.foreign_votes import ForeignImage, ForeignVote, ImagePlace  # noqa: PLC0415

    for row in range(count):
        numbers = (row % IMAGES, (row * 7 + 1 + row // IMAGES) % IMAGES)
        images = tuple(
            ForeignImage(ImagePlace(file, row, f"jpg_{side}"), png(number))
            for side, number in enumerate(numbers)
        )
        yield ForeignVote(0, row, f"a cat number {row % 60_000}", images, "preference")


def write(count: int, folder: Path) -> None:
    """Write a snapshot of so many votes."""
    from storage.snapshot.snapshot_of_files import (  # noqa: PLC0415
        FileVotes,
        write_snapshot_of_files,
    )

    file = folder / "votes.parquet"
    file.touch()
    before = peak()
    votes = FileVotes([file], "made up")
    facts = {"snapshot_id": "made-up", "counts": {}}
    write_snapshot_of_files(folder / "snapshot", made_up(count, file), votes, facts)
    print(f"{(peak() - before) / 1e6:.0f}")


def read(count: int, folder: Path) -> None:
    """Read it as a run does, up to what is encoded."""
    from align.data.buckets import images_of_pairs  # noqa: PLC0415
    from align.data.snapshot import drop_bad_images, read_snapshot, split_by_prompt  # noqa: PLC0415

    before = peak()
    snapshot = drop_bad_images(read_snapshot(folder / "snapshot"))
    train, held_out = split_by_prompt(snapshot.pairs, 1000, 0)
    shown = images_of_pairs(train + held_out, 1024 * 1024, 0, snapshot.references.sizes)
    # A few of the made-up votes have the same image twice.
    assert len(shown.chosen) > 0.99 * count
    print(f"{(peak() - before) / 1e6:.0f}")


def stream(count: int, folder: Path) -> None:
    """Send so many images of a Parquet file through the process that reads them."""
    from align.data.image_stream import image_frames, reader_command  # noqa: PLC0415

    index = folder / "image_references.jsonl"
    names = [json.loads(line)["image"] for line in index.open()]
    before, start = peak(), time.monotonic()
    sent = sum(head["kind"] == "image" for head, _ in image_frames(reader_command(index), names))
    seconds = time.monotonic() - start
    reader = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{sent:,} images in {seconds:.0f} s; the reader took {reader / 1e6:.0f} MB, whoever asked "
        f"{(peak() - before) / 1e6:.0f} MB more than before"
    )


def images(count: int, folder: Path) -> None:
    """Write random JPEGs into a Parquet file, two in a row, and an index of them."""
    import hashlib  # noqa: PLC0415
    import io  # noqa: PLC0415

    import duckdb  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    file, index = folder / "images.parquet", folder / "image_references.jsonl"
    with duckdb.connect(":memory:") as connection, index.open("w") as lines:
        connection.execute("CREATE TABLE t (jpg_0 BLOB, jpg_1 BLOB)")
        for start in range(0, count, 2_000):
            both = []
            for number in range(start, min(start + 2_000, count)):
                buffer = io.BytesIO()
                noise = Image.frombytes("L", (40, 40), os.urandom(1600))
                noise.save(buffer, "JPEG", quality=85)
                both.append(content := buffer.getvalue())
                name = f"images/{hashlib.sha256(content).hexdigest()}.jpg"
                place = {"row": number // 2, "cell": f"jpg_{number % 2}"}
                place |= {"width": 40, "height": 40, "file": str(file)}
                lines.write(json.dumps({"image": name, **place}) + "\n")
            connection.execute(
                "INSERT INTO t SELECT unnest(?::BLOB[]), unnest(?::BLOB[])", [both[::2], both[1::2]]
            )
        connection.execute("COPY t TO ? (FORMAT parquet, ROW_GROUP_SIZE 2048)", [str(file)])


def peak() -> int:
    """Return the most memory that this process has taken, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(what: str, count: int, folder: Path) -> str:
    """Run one measurement in a process of its own, and say what it took."""
    start = time.monotonic()
    printed = subprocess.run(
        [sys.executable, __file__, what, str(count), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return f"{printed.split()[-1]} MB in {time.monotonic() - start:.0f} s"


STEPS = {"write": write, "read": read, "images": images, "stream": stream}


def main() -> None:
    """Print a row for each number of votes."""
    if len(sys.argv) == 4 and sys.argv[1] in STEPS:
        STEPS[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
        return
    if sys.argv[1] == "stream":
        with tempfile.TemporaryDirectory() as place:
            # In processes of their own: a child's peak begins with what its parent holds.
            for step in ("images", "stream"):
                words = [sys.executable, __file__, step, sys.argv[2], place]
                subprocess.run(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
        return
    for count in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            written = measured("write", count, folder)
            rows = (folder / "snapshot" / "pairs.jsonl").stat().st_size / 1e6
            print(
                f"{count:,} pairs: written with {written} ({rows:.0f} MB of rows), "
                f"read with {measured('read', count, folder)}",
                flush=True,
            )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
