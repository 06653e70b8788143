"""Command line: the process from which a trainer takes images that lie in Parquet files.

python -m storage images INDEX [--asked]
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from storage.snapshot.referenced_images import send_images


def main(arguments: Sequence[str], prog: str) -> int:
    """Write the images of an index to standard output, as frames."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write the images of an index that are in Parquet files to standard output, as "
        "frames (align/contracts/image_references.py). A trainer starts this.",
    )
    parser.add_argument("index", type=Path, metavar="INDEX", help="image_references.jsonl")
    parser.add_argument(
        "--asked", action="store_true", help="only those named on standard input, one a line"
    )
    chosen = parser.parse_args(arguments)

    asked = sys.stdin.read().splitlines() if chosen.asked else None
    try:
        send_images(chosen.index, asked, sys.stdout.buffer)
    except BrokenPipeError:
        # Whoever read them has ended; Python would complain of it once more at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
