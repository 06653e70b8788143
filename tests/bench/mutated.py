"""What an import makes of files that chance has changed, and how long the slowest takes it.

    python tests/bench/mutated.py [--images DIR] [--each 300]

Changes the bytes of files, the shape of their JSON and the encoding of their texts: files of the
project's own making, and the bytes of those in DIR besides. Prints how many gave a prompt and how
many were left out, by reason, and the slowest; ends with 1 for an error or for more than a second.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "annotate")]

from image_headers import header_of
from mutations import MUTATIONS, with_other_bytes

from storage.safe_files import SkippedFile

TOO_LONG_S = 1.0


def files(kind: str, each: int, images: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Changed files, with what they are called."""
    for seed in range(each):
        chance = random.Random(f"{kind} {seed}")
        if kind == "images":
            image = images[seed % len(images)]
            yield f"{image.name} {seed}", with_other_bytes(image.read_bytes(), chance)
        else:
            yield f"{kind} {seed}", MUTATIONS[kind](chance)


def tried(path: Path) -> str:
    """What becomes of a file."""
    try:
        header_of(path, path.parent, {})
    except SkippedFile as skip:
        return f"skip: {skip}"
    except Exception:
        traceback.print_exc()
        return "error"
    return "prompt"


def main() -> int:
    """Try every kind, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--each", type=int, default=300)
    asked = parser.parse_args()
    images = sorted(p for p in asked.images.rglob("*.*") if p.is_file()) if asked.images else []
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.png"
        for kind in [*MUTATIONS, *["images"] * bool(images)]:
            counts: Counter[str] = Counter()
            slowest = (0.0, "")
            for name, content in files(kind, asked.each, images):
                path.write_bytes(content)
                began = time.perf_counter()
                counts[tried(path)] += 1
                slowest = max(slowest, (time.perf_counter() - began, name))
            failed |= "error" in counts or slowest[0] > TOO_LONG_S
            print(f"{kind}: {asked.each} files, slowest {slowest[0] * 1000:.0f} ms ({slowest[1]})")
            for what, count in counts.most_common():
                print(f"  {count:5} {what}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
