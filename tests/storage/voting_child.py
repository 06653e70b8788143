"""Votes on every waiting pair of a studio and prints each key once its vote is acknowledged.

Run as: python voting_child.py HOME MODEL
"""

import os
import sys
from pathlib import Path

from storage import Store, new_id
from storage.acts import NewVote


def main(home: Path, base: str) -> None:
    with Store(home) as store:
        for pair in store.waiting_pairs(base):
            key = new_id()
            store.vote(NewVote.parse(pair.pair_id, "left", "ann", key))
            # One system call, so that a kill cannot fall into the middle of a line.
            os.write(sys.stdout.fileno(), f"acknowledged {key}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
