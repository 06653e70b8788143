"""A sitting in a real browser: votes by keyboard, the run that they start, and what it made.

    python tests/bench/journey.py [--votes 90] [--pause 2.0] [--shots FOLDER]
    python tests/bench/journey.py --train-every 100 --keep-voting

Opens the app on an empty studio and prints what a person with one taste would feel: seconds to the
page and to the first pair, the longest wait for a next pair, votes that fell while the run trained,
the longest silence of the run's progress; then, in a blind test, how many votes until it is settled
whether the new version is better, and whether going back draws with the old one again.
`--keep-voting` goes on until the run has ended. `--shots docs` takes the images of README.md,
docs/guide.md and docs/people.md, light and dark; those of docs/results.md are not of this sitting.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from PIL import Image as PILImage
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from running import ENDED, App, fetch, wait_for
from tastes import TASTES, read

KEYS = {10: "ArrowDown", 20: "s", 30: "z", 40: "b", 62: "ArrowDown", 70: "s", 78: "z", 84: "g"}
PAIR = "document.querySelector('#stage [data-acked]')?.dataset.pair || ''"
SETTLED = "document.querySelector('#stage [data-acked]')?.dataset.settled || ''"
SECONDS_A_VOTE = 2.0
MOST_BLIND = 150
WELCOME = re.compile(r"http\S+welcome\S+")
TAKEN = ("tune", "compare", "verdict", "versions", "insights")
"""The images of README.md and docs/guide.md that are taken at the end."""
SIZE = {"width": 1280, "height": 860}
SHOWN_VOTES = 2
"""Votes after which labeling is shown: the first steps, and the reasons of a vote."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=int, default=90)
    parser.add_argument("--pause", type=float, default=SECONDS_A_VOTE, help="seconds a vote")
    parser.add_argument("--train-every", type=int, default=50, help="votes that start the run")
    parser.add_argument("--keep-voting", action="store_true", help="vote until the run ended")
    parser.add_argument(
        "--taste", default="warm", help="of tests/bench/tastes.py, or its beginning"
    )
    parser.add_argument("--shots", type=Path, help="folder for screenshots")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        app = App(Path(folder) / "studio", "--train-every", str(arguments.train_every))
        Sitting(app, browser, arguments).play()


class Sitting:
    """One person, one browser, one app."""

    def __init__(self, app: App, browser: Any, arguments: argparse.Namespace) -> None:
        self._app, self._browser, self._arguments = app, browser, arguments
        taste = next(t for t in TASTES if t.startswith(arguments.taste))
        self._score = TASTES[taste]
        self._silence = 0.0
        self._memory = 0.0

    def play(self) -> None:
        """Label, wait for the run, make it active, compare."""
        started = time.monotonic()
        self._app.start()
        try:
            say("page after", time.monotonic() - started, "s")
            page = self._browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(self._app.url)
            page.wait_for_function(PAIR, timeout=60_000)
            say("first pair on screen after", time.monotonic() - started, "s")
            self._label(page)
            version = self._await_version(page)
            self._activate_and_compare(page, version)
            self._judge(page, version)
            say("largest memory of the app process", self._memory, "MB")
            if self._arguments.shots:
                self._photograph()
                photograph_people(self._browser, self._arguments.shots)
        finally:
            self._app.stop()

    def _label(self, page: Any) -> None:
        waits, during = [], 0
        for number in itertools.count():
            if self._enough(number):
                break
            turn = time.monotonic()
            self._press(page, KEYS.get(number) or self._choice(page))
            if number == SHOWN_VOTES and self._arguments.shots:
                in_both_schemes(page, self._arguments.shots, "label")
            waits.append(time.monotonic() - turn)
            during += self._running()
            self._look()
            time.sleep(max(0.0, self._arguments.pause - (time.monotonic() - turn)))
        say("longest wait for the next pair", max(waits), "s")
        print(f"votes while the run trained: {during}")

    def _choice(self, page: Any) -> str:
        """The key for the image that is more to the person's taste."""
        sources = page.evaluate(
            "[...document.querySelectorAll('#stage .pair .frame img')].map(i => i.src)"
        )
        left, right = (self._score(read(io.BytesIO(fetch(url)[1]))) for url in sources)
        return "ArrowLeft" if left >= right else "ArrowRight"

    def _press(self, page: Any, key: str) -> None:
        pair = page.evaluate(PAIR)
        page.keyboard.press(key)
        page.wait_for_function(
            f"() => {{ const pair = {PAIR}; return pair && pair !== {pair!r}; }}", timeout=60_000
        )

    def _enough(self, votes: int) -> bool:
        if not self._arguments.keep_voting:
            return votes >= self._arguments.votes
        return any(self._status(run)["state"] in ENDED for run in self._runs())

    def _running(self) -> bool:
        return any(self._status(run)["state"] == "running" for run in self._runs())

    def _runs(self) -> list[Path]:
        return sorted(self._app.home.glob("runs/*/status.json"))

    def _status(self, path: Path) -> dict[str, Any]:
        return json.loads(path.read_text("utf-8"))

    def _look(self) -> None:
        """Note the app's memory and how old the run's last sign of life is."""
        memory = psutil.Process(self._app.process.pid).memory_info().rss / 1e6
        self._memory = max(self._memory, memory)
        for run in self._runs():
            status = self._status(run)
            if status["state"] == "running" and status["updated"]:
                self._silence = max(self._silence, time.time() - status["updated"])

    def _await_version(self, page: Any) -> str:
        api = self._app.client()

        def tuned() -> str | None:
            self._look()
            versions = api.predict(api_name="/versions")
            return versions[-1]["version"] if len(versions) > 1 else None

        version = wait_for(tuned, "a version", 600, every=2.0)
        status = self._status(self._runs()[0])
        say("the run took", status["result"]["seconds"], f"s on {status['result']['pairs']} pairs")
        say("longest silence of its progress", self._silence, "s")
        return str(version)

    def _activate_and_compare(self, page: Any, version: str) -> None:
        api = self._app.client()
        page.click("#train-tab-button")
        page.locator("#train-tab-button").click()
        page.locator("#versions [data-version]").last.click(timeout=20_000)
        page.locator("#make-active:not([disabled])").click(timeout=20_000)
        wait_for(
            lambda: api.predict(api_name="/versions")[-1]["active"], "the version to be active"
        )
        pair = wait_for(
            lambda: api.predict("someone-new", api_name="/next_pair").get("pair_id"), "a new pair"
        )
        print(f"made active: {version}; a new pair is ready: {bool(pair)}")
        for before, after in (("base", version), ("base", "base")):
            urls = api.predict("a cat face", 3, before, after, api_name="/compare")
            same = fetch(self._app.url + urls["before_url"]) == fetch(
                self._app.url + urls["after_url"]
            )
            print(f"{before} against {after}: {'identical' if same else 'different'} images")

    def _judge(self, page: Any, version: str) -> None:
        """Vote in a blind test until it is settled, then go back to the base."""
        started, votes = time.monotonic(), 0
        page.click("#judge-tab-button")
        page.locator("#start-blind-test:not([disabled])").click(timeout=20_000)
        page.locator("#blind-tests button[data-action=vote]").first.click(timeout=20_000)
        page.locator("#stage .blind-test").wait_for()
        page.wait_for_function(PAIR, timeout=60_000)
        say("first blind pair after", time.monotonic() - started, "s")
        while page.evaluate(SETTLED) != "true" and votes < MOST_BLIND:
            self._press(page, self._choice(page))
            votes += 1
            time.sleep(0.5)
        page.click("#stage [data-action=blind-test]")
        page.locator("#blind-tests .outcome b").first.wait_for()
        time.sleep(4)
        print(f"blind: {page.locator('#blind-tests .outcome b').first.inner_text()}", flush=True)
        print(f"blind votes: {votes}; {page.locator('#blind-tests .figure').first.inner_text()!r}")
        self._shoot(page, "verdict-settled")
        page.locator("#blind-tests button[data-action=back]").first.click()
        api = self._app.client()
        wait_for(lambda: api.predict(api_name="/versions")[0]["active"], "the base to be active")
        wait_for(
            lambda: api.predict("someone-else", api_name="/next_pair").get("pair_id"), "a pair"
        )
        print(f"went back from {version} to base; pairs are drawn by it again")
        page.locator("#blind-tests button[data-action=use]").first.click()

    def _shoot(self, page: Any, name: str) -> None:
        if self._arguments.shots:
            self._arguments.shots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self._arguments.shots / f"{name}.png")

    def _photograph(self) -> None:
        shots = self._arguments.shots
        shots.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            context = self._browser.new_context(viewport=SIZE, color_scheme=scheme)
            page = context.new_page()
            page.goto(self._app.url)
            page.wait_for_function(PAIR, timeout=60_000)
            page.click("#train-tab-button")
            time.sleep(4)
            page.screenshot(path=shots / f"tune-{scheme}.png")
            page.click("#compare-tab-button")
            page.fill("#compare-prompts textarea", "a cat face\na birthday cake")
            page.click("#start-compare")
            page.wait_for_function("document.querySelectorAll('#board img').length >= 12")
            time.sleep(2)
            page.screenshot(path=shots / f"compare-{scheme}.png")
            page.click("#judge-tab-button")
            page.locator("#blind-tests .blind-test-card").first.wait_for()
            time.sleep(2)
            page.screenshot(path=shots / f"verdict-{scheme}.png")
            page.click("#train-tab-button")
            page.locator("#versions [data-version]").last.click()
            time.sleep(2)
            page.screenshot(path=shots / f"versions-{scheme}.png")
            page.click("#insights-tab-button")
            page.locator("#insights .person").first.wait_for()
            page.locator("#insights .measuring").wait_for(state="detached", timeout=60_000)
            time.sleep(2)
            page.screenshot(path=shots / f"insights-{scheme}.png", full_page=True)
            context.close()
        for name in TAKEN:
            for scheme in ("light", "dark"):
                make_small(shots / f"{name}-{scheme}.png")


def in_both_schemes(page: Any, shots: Path, name: str) -> None:
    """Take a page as it is, light and dark, and leave it light."""
    page.set_viewport_size(SIZE)
    for scheme in ("light", "dark"):
        # Gradio reads the scheme once, when the page opens.
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
        time.sleep(1)
        page.screenshot(path=shots / f"{name}-{scheme}.png")
        make_small(shots / f"{name}-{scheme}.png")
    page.evaluate("document.body.classList.remove('dark')")


def photograph_people(browser: Any, shots: Path) -> None:
    """Take the people of an app with sign-in, in which an admin has let somebody in."""
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "studio", "--train-every", "0", "--sign-in", "accounts")
        app.start()
        try:
            page = browser.new_page(viewport=SIZE)
            welcome = wait_for(lambda: WELCOME.search(app.log.read_text()), "the link")
            page.goto(welcome[0])
            page.fill("input[name=name]", "Ada")
            page.fill("input[name=password]", "correct horse battery")
            page.click("button")
            page.locator("#settings-tab-button").click(timeout=60_000)
            page.locator("#people-section button").first.click(timeout=60_000)
            page.locator("#person-name input, #person-name textarea").fill("bob")
            page.locator("#add-person").click()
            page.locator("#person-link input").wait_for()
            page.locator("#people-section").evaluate("one => one.scrollIntoView()")
            in_both_schemes(page, shots, "people")
        finally:
            app.stop()


def make_small(shot: Path) -> None:
    """Keep a screenshot in 256 colors where that takes fewer bytes, for all stay in the history."""
    with PILImage.open(shot) as image:
        whole = image.convert("RGB")
    # Dithered by its own palette, or soft colors would show edges.
    few, content = whole.quantize(palette=whole.quantize(256)), io.BytesIO()
    few.save(content, "PNG", optimize=True)
    if content.tell() < shot.stat().st_size:
        shot.write_bytes(content.getvalue())


def say(what: str, value: float, unit: str) -> None:
    print(f"{what} {value:.1f} {unit}", flush=True)


if __name__ == "__main__":
    main()
