"""How quick and how safe a person's votes are, in real Chromium.

    python tests/bench/stage.py speed [--votes 300] [--training]
    python tests/bench/stage.py rate [--seconds 60]
    python tests/bench/stage.py cuts [--cuts 50]

`speed`: milliseconds from a key press to the next pair painted (both images decoded), as the page
itself measures it, beside a plain Gradio page that does the same with two gr.Image, buttons and
the queue; `--training` while a run trains. `rate`: five votes a second, and whether every one
arrived, once and in order. `cuts`: the network cut, the server killed and the page reloaded at
random moments while a person votes; whether each vote that the page took is in the database
exactly once.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from running import ENDED, App, free_port, wait_for
from seeding import seed

STAGE = "document.querySelector('#stage [data-acked]')?.dataset"
KEYS = ("ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowLeft")
FRAME_MS = 1000 / 60
CHROMIUM = ["--no-sandbox", "--disable-background-networking"]
# Notes every event that the page hands to the server, as the person gave it.
WATCH = """() => {
  window.given = [];
  const note = localStorage.setItem.bind(localStorage);
  Storage.prototype.setItem = function (name, value) {
    if (name.startsWith('palate-journal:')) window.given.push(JSON.parse(value));
    return note(name, value);
  };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "rate", "cuts"])
    parser.add_argument("--votes", type=int, default=300)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--cuts", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "studio"
        {"speed": speed, "rate": rate, "cuts": cuts}[arguments.what](home, browser, arguments)


@contextmanager
def chromium() -> Any:
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)


@contextmanager
def running(home: Path, *options: str) -> Any:
    app = App(home, "--train-every", "0", *options)
    app.start()
    try:
        yield app
    finally:
        app.stop()


def opened(browser: Any, url: str) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.wait_for_function(f"{STAGE}?.pair", timeout=120_000)
    page.wait_for_function(f"Number({STAGE}?.ready) >= 6", timeout=120_000)
    return page


# ---- speed ---------------------------------------------------------------------------------


def speed(home: Path, browser: Any, arguments: argparse.Namespace) -> None:
    seed(home, arguments.votes + 200)
    with running(home) as app:
        page = opened(browser, app.url)
        run = None
        if arguments.training:
            for key in KEYS * 5:
                press(page, key)
            time.sleep(12)
            api = app.client()
            run = api.predict({"steps": 2000, "check_prompts": 0}, api_name="/fine_tune")["run_id"]
            trains = lambda: api.predict(run, api_name="/run_status")["progress"] > 0  # noqa: E731
            wait_for(trains, "the run to train")
        tell("Palate", [press(page, KEYS[n % len(KEYS)]) for n in range(arguments.votes)])
        if run:
            state = api.predict(run, api_name="/run_status")["state"]
            print(f"the run was {state} at the end")
            api.predict(run, api_name="/cancel_run")
            wait_for(lambda: api.predict(run, api_name="/run_status")["state"] in ENDED, "its end")
        page.close()
    with plain_page(home) as url:
        tell("plain Gradio page", plain(browser, url, min(arguments.votes, 100)))


def press(page: Any, key: str) -> float:
    """Press a key and return the milliseconds until the next pair was painted."""
    before = page.evaluate(f"{STAGE}.pair")
    page.evaluate(f"() => {{ delete {STAGE.replace('?', '')}.swapMs }}")
    page.keyboard.press(key)
    page.wait_for_function(f"{STAGE}.pair && {STAGE}.pair !== '{before}' && {STAGE}.swapMs")
    # A person's key comes at any moment of a frame; a fixed wait would follow its beat.
    page.wait_for_timeout(120 + random.uniform(0, FRAME_MS))
    return float(page.evaluate(f"{STAGE}.swapMs"))


def tell(name: str, times: list[float]) -> None:
    median, high, most = np.percentile(times, [50, 95, 100])
    print(f"{name}: {len(times)} votes, median {median:.1f} ms, p95 {high:.1f} ms, most {most:.0f}")


PEER = """
import sys, glob, itertools
import gradio as gr
files = itertools.cycle(sorted(glob.glob(sys.argv[2] + "/**/*.png", recursive=True)))
def vote():
    return next(files), next(files)
with gr.Blocks() as page:
    with gr.Row():
        left, right = gr.Image(next(files)), gr.Image(next(files))
    with gr.Row():
        for name in ("Left", "Right"):
            gr.Button(name, elem_id=name).click(vote, None, [left, right])
page.queue().launch(server_port=int(sys.argv[1]), quiet=True, allowed_paths=[sys.argv[2]])
"""


@contextmanager
def plain_page(home: Path) -> Any:
    """The peer: what a first afternoon with Gradio gives."""
    port = free_port()
    command = [sys.executable, "-c", PEER, str(port), str(home / "images")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()


def plain(browser: Any, url: str, votes: int) -> list[float]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    for _ in range(240):
        try:
            page.goto(url)
            break
        except BrowserError:
            time.sleep(0.25)
    page.wait_for_function("document.querySelectorAll('img').length >= 2", timeout=60_000)
    page.wait_for_selector("#Left")
    measure = """() => new Promise((done) => {
      const shown = () => [...document.querySelectorAll('img')].map((img) => img.src).join();
      const [before, start] = [shown(), performance.now()];
      (document.querySelector('button#Left') || document.querySelector('#Left button')).click();
      const look = () => {
        const images = [...document.querySelectorAll('img')];
        const ready = shown() !== before && images.every((img) => img.complete);
        if (!ready) return requestAnimationFrame(look);
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - start);
        requestAnimationFrame(() => channel.port2.postMessage(null));
      };
      look();
    })"""
    times = []
    for _ in range(votes):
        times.append(float(page.evaluate(measure)))
        page.wait_for_timeout(120)
    page.close()
    return times


# ---- rate ----------------------------------------------------------------------------------


def rate(home: Path, browser: Any, arguments: argparse.Namespace) -> None:
    wanted = 5 * arguments.seconds
    seed(home, wanted + 100)
    with running(home) as app:
        page = opened(browser, app.url)
        page.evaluate(WATCH)
        start = time.monotonic()
        for number in range(wanted):
            page.keyboard.press(KEYS[number % len(KEYS)])
            time.sleep(max(0.0, start + (number + 1) / 5 - time.monotonic()))
        took = time.monotonic() - start
        page.wait_for_function(f"{STAGE}.unsent === '0'", timeout=60_000)
        given = [event["key"] for event in page.evaluate("window.given") if event["kind"] == "vote"]
        page.close()
    stored = stored_keys(home)
    print(f"{wanted} presses in {took:.1f} s: {len(given)} taken by the page")
    print(f"{len(stored)} stored, in order: {stored == given}")


def stored_keys(home: Path) -> list[str]:
    with duckdb.connect(home / "palate.duckdb", read_only=True) as database:
        rows = database.execute(
            "SELECT key FROM votes WHERE verdict IS NOT NULL ORDER BY vote_id"
        ).fetchall()
    return [key for (key,) in rows]


# ---- cuts ----------------------------------------------------------------------------------


def cuts(home: Path, browser: Any, arguments: argparse.Namespace) -> None:
    chance = random.Random(0)
    seed(home, 3000)
    app = App(home, "--train-every", "0")
    app.start()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(f"({WATCH})()")
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_function(f"{STAGE}?.pair", timeout=120_000)
    given: dict[str, str] = {}
    kinds = Counter[str]()
    try:
        for number in range(arguments.cuts):
            vote_a_while(page, chance, given)
            kind = chance.choice(("network", "server", "reload"))
            kinds[kind] += 1
            {"network": cut_network, "server": kill_server, "reload": reload}[kind](
                app, context, page, chance, given
            )
            print(json.dumps({"cut": number + 1, "kind": kind, "given": len(given)}), flush=True)
        page.wait_for_function(f"{STAGE}?.unsent === '0'", timeout=240_000)
        collect(page, given)
    finally:
        app.stop()
    count = Counter(stored_keys(home))
    lost = [key for key in given if key not in count]
    twice = [key for key, times in count.items() if times > 1]
    print(
        f"{dict(kinds)}: {len(given)} votes taken by the page, {len(lost)} lost, {len(twice)} twice"
    )
    raise SystemExit(bool(lost or twice))


def vote_a_while(page: Any, chance: random.Random, given: dict[str, str]) -> None:
    for _ in range(chance.randrange(3, 9)):
        page.keyboard.press(chance.choice(KEYS))
        page.wait_for_timeout(chance.randrange(40, 250))
    collect(page, given)


def collect(page: Any, given: dict[str, str]) -> None:
    """Remember the votes that this page took so far."""
    for event in page.evaluate("window.given || []"):
        if event["kind"] == "vote":
            given[event["key"]] = event["pair_id"]


def cut_network(app: App, context: Any, page: Any, chance: random.Random, given: dict) -> None:
    context.set_offline(True)
    vote_a_while(page, chance, given)
    if chance.random() < 0.5:
        page.wait_for_timeout(chance.randrange(100, 3000))
    context.set_offline(False)


def kill_server(app: App, context: Any, page: Any, chance: random.Random, given: dict) -> None:
    app.kill()
    vote_a_while(page, chance, given)
    app.start()
    # The page may load itself again once the server is back.
    page.wait_for_timeout(3000)
    page.wait_for_function(f"{STAGE}?.pair", timeout=120_000)


def reload(app: App, context: Any, page: Any, chance: random.Random, given: dict) -> None:
    for _ in range(chance.randrange(1, 4)):
        page.keyboard.press(chance.choice(KEYS))
    collect(page, given)
    page.reload(wait_until="commit")
    page.wait_for_function(f"{STAGE}?.pair", timeout=120_000)


if __name__ == "__main__":
    main()
