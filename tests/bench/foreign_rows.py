"""Reading of 10,000 foreign rows, beside a plain loop of pandas over the same file.

    python tests/bench/foreign_rows.py [--rows 10000] [--bytes 20000] [--plain PYTHON]

Writes Pick-a-Pic's columns with images of random bytes in groups of 2,048 rows, and a table of JSON
Lines with files beside it. Prints seconds and the peak of memory of each, each in a process of its
own. PYTHON has pandas and pyarrow, and runs the plain loop.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from storage.layouts.foreign_votes import ForeignVote
from storage.layouts.found import find_data
from storage.layouts.reading import votes

PLAIN = """
import sys, time
start = time.perf_counter()
rows = 0
if sys.argv[1].endswith(".parquet"):
    import pyarrow.parquet
    columns = ["caption", "jpg_0", "jpg_1", "label_0", "label_1", "has_label", "user_id"]
    for batch in pyarrow.parquet.ParquetFile(sys.argv[1]).iter_batches(100, columns=columns):
        for row in batch.to_pandas().itertuples():
            if row.has_label and row.label_0 != 0.5:
                images = row.jpg_0, row.jpg_1
                better = images if row.label_0 > 0.5 else images[::-1]
                rows += bool(row.caption and better[0])
else:
    import os, pandas
    folder = os.path.dirname(sys.argv[1])
    for row in pandas.read_json(sys.argv[1], lines=True).itertuples():
        paths = [os.path.join(folder, name) for name in (row.chosen, row.rejected)]
        rows += bool(row.prompt) and all(map(os.path.isfile, paths))
seconds = time.perf_counter() - start
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(rows, seconds, peak // 1024)
"""


def write_parquet(folder: Path, rows: int, size: int) -> Path:
    """Write Pick-a-Pic's columns with random bytes for images."""
    path, content = folder / "pickapic.parquet", random.Random(0)
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "CREATE TABLE rows (caption VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, "
            "label_1 DOUBLE, has_label BOOLEAN, user_id BIGINT)"
        )
        for number in range(rows):
            images = content.randbytes(size), content.randbytes(size)
            row = [f"prompt {number}", *images, number % 2, 1 - number % 2, True, number % 50]
            connection.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute(
            f"COPY rows TO '{path}' (FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 2048)"
        )
    return path


def write_lines(folder: Path, rows: int) -> Path:
    """Write a table that names files beside it, 200 images in all."""
    (folder / "images").mkdir()
    for number in range(200):
        (folder / "images" / f"{number}.png").write_bytes(os.urandom(2_000))
    path = folder / "metadata.jsonl"
    with path.open("w") as file:
        for number in range(rows):
            names = [f"images/{(number + k) % 200}.png" for k in (0, 1)]
            row = {"prompt": f"prompt {number}", "chosen": names[0], "rejected": names[1]}
            file.write(json.dumps(row) + "\n")
    return path


def read_ours(path: str) -> None:
    """Read a file, and print the votes, the seconds and the memory."""
    start = time.perf_counter()
    rows = sum(isinstance(item, ForeignVote) for item in votes(find_data([path])))
    seconds = time.perf_counter() - start
    print(rows, seconds, peak_mb())


def peak_mb() -> int:
    """Return the most memory that this process had; that of its parent does not count."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def run(*command: str) -> tuple[int, float, int]:
    """Return what a process of its own printed."""
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(output[0]), float(output[1]), int(output[2])


def main() -> None:
    """Write the files, read each, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=20_000)
    parser.add_argument("--plain", default="")
    parser.add_argument("--read", default="")
    asked = parser.parse_args()
    if asked.read:
        read_ours(asked.read)
        return

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parquet = write_parquet(folder, asked.rows, asked.bytes)
        for path in (parquet, write_lines(folder, asked.rows)):
            rows, seconds, peak = run(sys.executable, __file__, "--read", str(path))
            line = f"{path.name}: {rows:,} votes, {seconds:.2f} s, {peak:,} MB"
            if asked.plain:
                _, plain, plain_peak = run(asked.plain, "-c", PLAIN, str(path))
                line += (
                    f"; plain loop {plain:.2f} s, {plain_peak:,} MB; ratio {seconds / plain:.2f}"
                )
            print(line, flush=True)


if __name__ == "__main__":
    main()
