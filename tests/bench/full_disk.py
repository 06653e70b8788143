"""A sitting on a disk that fills up: what is refused, in which words, and what is still there.

    python tests/bench/full_disk.py [--megabytes 24]

Linux, as root: the studio lies on a small tmpfs of its own. Votes, fills the disk, votes until no
pair is left, asks for a run, frees the disk, votes again, kills the app and counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from gradio_client.exceptions import AppError
from running import App, open_pair, wait_for

DRY_S = 5.0
"""With no pair for so long, the sitting ends until there is room again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=24)
    arguments = parser.parse_args()
    with small_disk(arguments.megabytes) as disk:
        app = App(disk / "studio", "--train-every", "0")
        app.start()
        try:
            sys.exit(play(app, disk / "fill"))
        finally:
            app.stop()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A tmpfs that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        size = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            time.sleep(1.0)
            subprocess.run(["umount", folder], check=True)


def play(app: App, filler: Path) -> int:
    """The sitting; returns how many acknowledged votes are missing or doubled at its end."""
    api = app.client()
    acknowledged = [vote(api, open_pair(api, "ada")) for _ in range(5)]
    fill(filler)
    acknowledged += vote_until_dry(api)
    try:
        print("fine-tune:", api.predict({}, api_name="/fine_tune"))
    except AppError as error:
        print("fine-tune refused:", error)
    filler.unlink()
    acknowledged.append(vote(api, open_pair(api, "ada")))
    print("room again, a vote is taken")
    app.kill()
    app.start()
    stored = app.client().predict(api_name="/stats")["votes"]
    print(f"{len(acknowledged)} acknowledged, {stored} there after a kill")
    return abs(stored - len(acknowledged))


def vote(api: Any, pair: dict[str, Any]) -> str:
    key = uuid.uuid4().hex
    reply = api.predict(pair["pair_id"], "left", "ada", key, api_name="/vote")
    assert reply["accepted"] and reply["key"] == key
    return key


def vote_until_dry(api: Any) -> list[str]:
    """Vote until a vote is refused or no pair has come for a while."""
    keys, said = [], ""
    while True:

        def pair() -> dict[str, Any] | None:
            nonlocal said
            value = api.predict("ada", api_name="/next_pair")
            said = value.get("reason", "")
            return value if "pair_id" in value else None

        try:
            keys.append(vote(api, wait_for(pair, "a pair", DRY_S, every=0.5)))
        except AssertionError:
            print("no pair:", said)
            return keys
        except AppError as error:
            print("vote refused:", error)
            return keys


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            print("the disk is full:", error)


if __name__ == "__main__":
    main()
