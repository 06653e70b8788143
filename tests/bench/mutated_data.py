"""What the readers of foreign data make of Parquet, JSON and CSV that chance has changed.

    python tests/bench/mutated_data.py [--each 500] [--seed 1]

Changes bytes of small files. Prints how many gave votes, rows that are left out, or a sentence;
ends with 1 for any other error. A crash of DuckDB ends it at once.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "storage" / "layouts")]

from foreign_files import data_url, image, json_file, lines, parquet, table

from storage.errors import StorageError
from storage.layouts.found import find_data
from storage.layouts.reading import votes

SIGNS = b'"\\[]{},\n\r\0\xff\xc8'


def originals(folder: Path) -> list[Path]:
    """Write sound files, one of each kind."""
    struct = "STRUCT(bytes BLOB, path VARCHAR)"
    columns = f"prompt VARCHAR, chosen {struct}, rejected BLOB, extra VARCHAR[]"
    row = ["a fox", {"bytes": image(1), "path": "x"}, image(2), ["q", "r"]]
    told = {"prompt": "a fox ü", "chosen": data_url(1), "rejected": data_url(2), "n": [1, None]}
    return [
        parquet(folder / "a.parquet", columns, [row] * 300),
        json_file(folder / "a.json", [told] * 3),
        lines(folder / "a.jsonl", [told] * 3),
        table(folder / "a.csv", list(told), [list(told.values())] * 3),
    ]


def changed(content: bytes, chance: random.Random) -> bytes:
    """Return a file with some bytes replaced, removed or added, often near its end."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 2, 5, 20])):
        first = max(0, len(changed) - 1_200) if chance.random() < 0.5 else 0
        place = chance.randrange(first, max(first + 1, len(changed)))
        kind = chance.random()
        if kind < 0.7:
            changed[place : place + 1] = bytes([chance.choice([*SIGNS, chance.randrange(256)])])
        elif kind < 0.85:
            del changed[place : place + chance.randrange(1, 9)]
        else:
            changed[place:place] = bytes(chance.choices(SIGNS, k=3))
    return bytes(changed)


def main() -> int:
    """Change each file many times, and read each; return 1 if anything but a sentence came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()

    failed = False
    with tempfile.TemporaryDirectory() as name:
        for original in originals(Path(name)):
            content, outcomes = original.read_bytes(), Counter[str]()
            for number in range(asked.each):
                original.write_bytes(changed(content, random.Random(f"{asked.seed} {number}")))
                try:
                    outcomes.update(type(item).__name__ for item in votes(find_data([original])))
                except StorageError:
                    outcomes["sentence"] += 1
                except Exception:
                    failed = True
                    print(original.suffix, asked.seed, number)
                    traceback.print_exc()
            print(original.suffix, dict(outcomes), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
