"""What a studio of 100,000 votes and 100,000 prompts costs: each answer, and its memory.

    python tests/bench/scale.py [--votes 100000] [--prompts 100000] [--minutes 0] [--keep FOLDER]

The real app on the embedded model, one client that speaks as the page does: next pair, vote, undo
and pulse through Gradio's server functions, Insights as its tab asks for them, what a program asks
through the API, 20,000 prompts more while votes go on. With `--minutes 10` then five votes a second
for so long, and how the memory of the app grows after the second minute. Ends with 1 where the next
pair or a vote takes 50 ms (p95) or more, Insights 5 s the first and 2 s the second time, or memory
grows by 3 %.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from many_votes import make_studio
from running import App

AHEAD = 8
QUICK_MS, FIRST_S, SECOND_S, GROWTH = 50.0, 5.0, 2.0, 0.03
MORE_PROMPTS = 20_000
A_SECOND = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=int, default=100_000)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=2_000, help="images of their own")
    parser.add_argument("--acts", type=int, default=300, help="votes that are timed")
    parser.add_argument("--minutes", type=int, default=0, help="how long memory is watched")
    parser.add_argument("--keep", type=Path, help="a folder for the studio, kept and used again")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = folder / "studio"
        if not home.exists():
            _, took = timed(
                lambda: make_studio(home, arguments.votes, arguments.prompts, arguments.files)
            )
            print(f"a studio of {arguments.votes:,} votes made in {took:.1f} s", flush=True)
        app = App(home, "--train-every", "0")
        stack.callback(app.stop)
        measure(app, arguments)


def measure(app: App, arguments: argparse.Namespace) -> None:
    """Start the app, ask for everything, and judge."""
    _, took = timed(app.start)
    print(f"answers after {took:.1f} s, {memory(app):.0f} MB", flush=True)
    with httpx.Client(base_url=app.url, timeout=300) as client:
        page = Page(client, "ann")
        told, took = timed(page.refill)
        print(f"first pairs in {took:.2f} s: {len(page.waiting)} {told.get('reason') or ''}")
        wait_until_idle(page)
        problems = watched_acts(page, arguments.acts)
        problems += insights(app, page)
        problems += more_prompts(page, arguments.prompts)
        tell("votes and pairs after all that", page.act(arguments.acts // 3))
        problems += watched_memory(app, page, arguments.minutes) if arguments.minutes else []
    print(*problems or ["all within their limits"], sep="\n")
    raise SystemExit(bool(problems))


class Page:
    """One person's page, as far as it talks to the app."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self._client, self._name, self._chance = client, name, random.Random(name)
        self._config = client.get("config").json()
        self._stage = self.component("stage")
        self.waiting: list[dict[str, Any]] = []

    def component(self, elem_id: str) -> int:
        found = (
            c["id"] for c in self._config["components"] if c["props"].get("elem_id") == elem_id
        )
        return int(next(found))

    def call(self, function: str, **argument: Any) -> dict[str, Any]:
        """Ask one of the stage's server functions."""
        reply = self._client.post(
            "gradio_api/component_server",
            json={"session_hash": self._name, "component_id": self._stage, "fn_name": function,
                  "data": {"annotator": self._name, **argument}},
        )  # fmt: skip
        told: dict[str, Any] = reply.json() if reply.status_code == 200 else {}
        if not told.get("ok"):
            raise RuntimeError(f"{function}: {reply.status_code} {reply.text[:300]}")
        return told

    def refill(self) -> dict[str, Any]:
        """Have pairs ahead."""
        have = [pair["pair_id"] for pair in self.waiting]
        told = self.call("stage_pairs", have=have, want=AHEAD - len(have))
        self.waiting += told["pairs"]
        return told

    def vote(self) -> dict[str, Any]:
        """Vote on the pair that is open."""
        verdict = self._chance.choice(("left", "right", "left", "right", "tie", "skip"))
        pair = self.waiting.pop(0)
        return self.call(
            "stage_send", kind="vote", key=uuid.uuid4().hex, pair_id=pair["pair_id"],
            verdict=verdict, response_ms=900,
        )  # fmt: skip

    def undo(self) -> dict[str, Any]:
        """Take the newest vote back, and have its pair open again."""
        told = self.call("stage_send", kind="undo", key=uuid.uuid4().hex)
        self.waiting.insert(0, told["pair"])
        return told

    def act(self, times: int, pause_s: float = 0.02) -> dict[str, list[float]]:
        """Vote so often, with what the page asks besides, and return the milliseconds of each."""
        took: dict[str, list[float]] = {"next pair": [], "vote": [], "undo": [], "pulse": []}
        for number in range(times):
            took["vote"].append(1000 * timed(self.vote)[1])
            if number % 20 == 7:
                took["undo"].append(1000 * timed(self.undo)[1])
            if number % 10 == 3:
                took["pulse"].append(1000 * timed(lambda: self.call("stage_status"))[1])
            took["next pair"].append(1000 * timed(self.refill)[1])
            time.sleep(pause_s)
        return took

    def event(self, elem_id: str, trigger: str, *data: Any) -> Any:
        """Let an event of the page run through Gradio's queue, and return what it answers."""
        wanted = [self.component(elem_id), trigger]
        place = next(
            n for n, one in enumerate(self._config["dependencies"])
            if wanted in [list(target) for target in one["targets"]]
        )  # fmt: skip
        session = uuid.uuid4().hex
        body = {"data": list(data), "fn_index": place, "session_hash": session, "event_data": None}
        self._client.post("gradio_api/queue/join", json=body).raise_for_status()
        return self._heard(session)

    def api(self, name: str, *data: Any) -> Any:
        """Ask an endpoint of the API, as a program does."""
        event = self._client.post(f"gradio_api/call/{name}", json={"data": list(data)}).json()
        text = self._client.get(f"gradio_api/call/{name}/{event['event_id']}").text
        if "event: complete" not in text:
            raise RuntimeError(f"{name}: {text[:300]}")
        return json.loads(text.split("data:", 1)[1])[0]

    def _heard(self, session: str) -> Any:
        with self._client.stream("GET", f"gradio_api/queue/data?session_hash={session}") as stream:
            for line in stream.iter_lines():
                told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if told.get("msg") == "process_completed":
                    if not told["success"]:
                        raise RuntimeError(str(told["output"])[:300])
                    return told["output"]["data"]
        raise RuntimeError("Gradio closed the stream without an answer.")


def wait_until_idle(page: Page) -> None:
    """Wait until the image model is loaded, so that the app is idle, and vote a little."""
    until = time.monotonic() + 120
    while page.call("stage_status")["activity"]["sampler"]["state"] != "ready":
        if time.monotonic() > until:
            raise RuntimeError("The image model does not load.")
        time.sleep(0.5)
    page.act(20)
    time.sleep(5)


def watched_acts(page: Page, times: int) -> list[str]:
    """Time what the page asks while somebody votes."""
    took = page.act(times)
    tell("votes and pairs", took)
    return [
        f"{name}: p95 is {np.percentile(took[name], 95):.0f} ms"
        for name in ("next pair", "vote")
        if np.percentile(took[name], 95) >= QUICK_MS
    ]


def insights(app: App, page: Page) -> list[str]:
    """Time Insights and own votes: the first time, again, and again after one more vote."""
    asked: dict[str, Callable[[], Any]] = {
        "Insights, everybody (tab)": lambda: page.event("insights-tab", "select", "Everybody"),
        "Insights, everybody (API)": lambda: page.api("insights", ""),
        "Insights, one person (API)": lambda: page.api("insights", "person 1"),
        "own votes (API)": lambda: page.api("own_votes", "ann"),
        "own votes of another (API)": lambda: page.api("own_votes", "helper 1"),
    }
    problems = []
    for name, ask in asked.items():
        (first, first_cpu), (again, again_cpu) = cost(app, ask), cost(app, ask)
        page.vote()
        page.refill()
        after, after_cpu = cost(app, ask)
        print(
            f"{name}: {first:.2f} s, again {again:.2f} s, after a vote {after:.2f} s; of a core "
            f"{first_cpu:.2f}, {again_cpu:.2f} and {after_cpu:.2f} s",
            flush=True,
        )
        if first >= FIRST_S or max(again, after) >= SECOND_S:
            problems.append(f"{name} takes too long")
    votes = meanwhile(page, lambda: page_of(page, "bob").api("insights", ""))
    print(f"a vote while Insights are asked: {told(votes)}")
    return problems


def page_of(page: Page, name: str) -> Page:
    """Another person's page, on a connection of its own."""
    return Page(httpx.Client(base_url=page._client.base_url, timeout=300), name)


def more_prompts(page: Page, known: int) -> list[str]:
    """Add prompts while somebody votes."""
    texts = [f"another subject, number {uuid.uuid4().hex}" for _ in range(MORE_PROMPTS)]
    other, took = page_of(page, "bob"), [0.0]

    def add() -> None:
        took[0] = timed(lambda: other.api("add_prompts", texts))[1]

    try:
        votes = meanwhile(page, add)
    except RuntimeError as error:
        print(f"{MORE_PROMPTS:,} prompts to {known:,}: {error}")
        return []
    print(f"{MORE_PROMPTS:,} prompts to {known:,} in {took[0]:.1f} s; a vote: {told(votes)}")
    return [] if max(votes) < 1000 else ["a vote waits for prompts"]


def meanwhile(page: Page, work: Callable[[], Any]) -> list[float]:
    """Vote while something else goes on, and return the milliseconds of each vote."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except RuntimeError as error:
            failed.append(error)

    other, took = threading.Thread(target=guarded), []
    other.start()
    while other.is_alive() or not took:
        took.append(1000 * timed(page.vote)[1])
        page.refill()
        time.sleep(0.02)
    if failed:
        raise failed[0]
    return took


def watched_memory(app: App, page: Page, minutes: int) -> list[str]:
    """Give five votes a second, and look at the app's memory with each.

    What an answer takes is given back within a second, so that a single look says little: minutes
    are compared by their middle.
    """
    began, middles, took = time.monotonic(), [], []
    for minute in range(1, minutes + 1):
        sizes = []
        for number in range(60 * A_SECOND):
            took.append(1000 * timed(page.vote)[1])
            page.refill()
            sizes.append(memory(app))
            due = began + 60 * (minute - 1) + (number + 1) / A_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
        middles.append(float(np.median(sizes)))
        print(
            f"minute {minute}: {middles[-1]:.1f} MB ({min(sizes):.0f} to {max(sizes):.0f})",
            flush=True,
        )
    print(f"votes at {A_SECOND} a second: {told(took)}")
    if len(middles) < 3:
        return []
    growth = middles[-1] / middles[1] - 1
    print(f"memory from minute 2 to {minutes}: {100 * growth:+.1f} %")
    return [f"memory grew by {100 * growth:.1f} %"] if growth >= GROWTH else []


def memory(app: App) -> float:
    """Megabytes that the app's own process holds."""
    assert app.process is not None
    return float(psutil.Process(app.process.pid).memory_info().rss) / 1e6


def cost(app: App, work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that some work takes, and the processor time of the app meanwhile."""
    assert app.process is not None
    before = psutil.Process(app.process.pid).cpu_times()
    _, took = timed(work)
    after = psutil.Process(app.process.pid).cpu_times()
    return took, after.user + after.system - before.user - before.system


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work gives, and its seconds."""
    began = time.perf_counter()
    given = work()
    return given, time.perf_counter() - began


def told(times: list[float]) -> str:
    """Milliseconds in words."""
    middle, high, higher, most = np.percentile(times, [50, 95, 99, 100])
    return (
        f"{len(times)} times, p50 {middle:.1f}, p95 {high:.1f}, p99 {higher:.1f}, "
        f"most {most:.0f} ms"
    )


def tell(what: str, took: dict[str, list[float]]) -> None:
    """Print the milliseconds of each kind."""
    print(f"{what}:")
    for name, times in took.items():
        print(f"  {name}: {told(times)}", flush=True)


if __name__ == "__main__":
    main()
