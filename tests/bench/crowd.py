"""Many people label at once: is every vote there, once, and how long does an acknowledgement take?

    python tests/bench/crowd.py [--people 50] [--seconds 120] [--images 3300]

A folder of images is brought in first, each in about four pairs, so 2,000 would be 4,000 pairs
and no 6,000 votes. Every labeler speaks the page's own protocol over HTTP: keeps six pairs ahead,
votes once a second, and asks how things stand as often as the page does.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from running import App

AHEAD = 6
PULSE_S = 2.5
A_PROMPT, SIDE = 48, 256
"""Images of a prompt, and their pixels a side."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--images", type=int, default=3300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "studio"
        paint(Path(folder) / "images", arguments.images)
        app = App(home, "--train-every", "0", "--images", str(Path(folder) / "images"))
        app.start()
        try:
            print(f"{brought(app)} pairs of {arguments.images} images", flush=True)
            crowd = asyncio.run(play(app.url, arguments))
        finally:
            app.stop()
        judge(home, crowd)


def paint(folder: Path, count: int) -> None:
    """Write smooth images of their own, in folders that name their prompts."""
    for number in range(count):
        place = folder / f"prompt {number // A_PROMPT}"
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        small = Image.fromarray(rng.integers(0, 255, (5, 5, 3), dtype=np.uint8))
        small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(place / f"{number}.jpg")


def brought(app: App) -> int:
    """Wait until the folder is in, and return how many pairs wait."""
    api, began, ready, before = app.client(), time.monotonic(), 0, -1
    while ready == 0 or ready > before:
        time.sleep(5)
        before, ready = ready, int(api.predict(api_name="/stats")["ready_pairs"])
    print(f"brought in within {time.monotonic() - began:.0f} s", flush=True)
    return ready


class Labeler:
    """One person's page."""

    def __init__(self, client: httpx.AsyncClient, stage: int, name: str) -> None:
        self._client, self._stage, self.name = client, stage, name
        self.waiting: list[dict[str, Any]] = []
        self.seen: list[str] = []
        self.acknowledged: dict[str, str] = {}
        self.times: list[float] = []
        self.errors: list[str] = []

    async def call(self, function: str, argument: dict[str, Any]) -> dict[str, Any]:
        reply = await self._client.post(
            "gradio_api/component_server",
            json={"session_hash": self.name, "component_id": self._stage, "fn_name": function,
                  "data": {"annotator": self.name, **argument}},
        )  # fmt: skip
        told: dict[str, Any] = reply.json() if reply.status_code == 200 else {}
        if not told.get("ok"):
            self.errors.append(f"{function}: {reply.status_code} {reply.text[:200]}")
        return told

    async def play(self, until: float, chance: random.Random) -> None:
        await asyncio.sleep(chance.random())
        pulse = time.monotonic()
        while (now := time.monotonic()) < until:
            await self.refill()
            if self.waiting:
                await self.vote(self.waiting.pop(0), chance)
            if now > pulse:
                pulse = now + PULSE_S
                await self.call("stage_status", {})
            await asyncio.sleep(max(0.0, now + 1.0 - time.monotonic()))

    async def refill(self) -> None:
        have = [pair["pair_id"] for pair in self.waiting]
        if len(have) < AHEAD:
            told = await self.call("stage_pairs", {"have": have, "want": AHEAD - len(have)})
            self.waiting += told.get("pairs", [])
            self.seen += [pair["pair_id"] for pair in told.get("pairs", [])]

    async def vote(self, pair: dict[str, Any], chance: random.Random) -> None:
        key, began = uuid.uuid4().hex, time.monotonic()
        told = await self.call(
            "stage_send",
            {"kind": "vote", "key": key, "pair_id": pair["pair_id"],
             "verdict": chance.choice(("left", "right", "tie")), "response_ms": 900},
        )  # fmt: skip
        if told.get("key") == key:
            self.times.append(1000 * (time.monotonic() - began))
            self.acknowledged[key] = pair["pair_id"]


async def play(url: str, arguments: argparse.Namespace) -> list[Labeler]:
    limits = httpx.Limits(max_connections=2 * arguments.people)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
        config = (await client.get("config")).json()
        stage = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "stage")
        names = [f"labeler-{number}" for number in range(arguments.people)]
        crowd = [Labeler(client, stage, name) for name in names]
        until = time.monotonic() + arguments.seconds
        players = (one.play(until, random.Random(one.name)) for one in crowd)
        await asyncio.gather(*players)
        return crowd


def judge(home: Path, crowd: list[Labeler]) -> None:
    """Compare what was acknowledged with what is stored."""
    errors = [error for one in crowd for error in one.errors]
    acknowledged = {key: pair for one in crowd for key, pair in one.acknowledged.items()}
    claimed = Counter(pair for one in crowd for pair in set(one.seen))
    with duckdb.connect(home / "palate.duckdb", read_only=True) as database:
        rows = database.execute(
            "SELECT key, pair_id FROM votes WHERE verdict IS NOT NULL"
        ).fetchall()
        control = database.execute("SELECT pair_id FROM control_pairs").fetchall()
        repeats = {pair for (pair,) in control}
    stored = dict(rows)
    voted = Counter(pair for _, pair in rows)
    lost = [key for key in acknowledged if key not in stored]
    p50, p99 = np.percentile([t for one in crowd for t in one.times], [50, 99])
    print(f"{len(crowd)} people, {len(acknowledged)} votes acknowledged, p50 {p50:.1f} ms, "
          f"p99 {p99:.1f} ms")  # fmt: skip
    print(f"{len(errors)} errors, {len(lost)} lost, {len(rows) - len(stored)} doubled, "
          f"{len(repeats)} hidden repeats")  # fmt: skip
    print(f"pairs claimed twice: {sum(n > 1 for n in claimed.values())}, "
          f"voted on twice: {sum(n > 1 for n in voted.values())}")  # fmt: skip
    for error in errors[:5]:
        print(error)
    raise SystemExit(bool(errors or lost))


if __name__ == "__main__":
    main()
