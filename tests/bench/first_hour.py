"""A newcomer's first hour in a real browser, once by mouse alone and once by keyboard alone.

    python tests/bench/first_hour.py --out FOLDER [--by mouse] [--votes 48] [--steps 24]

Opens the app on an empty studio for each of the two, votes, tunes the model, uses what it made,
compares and tests it blind, and does what else a first hour asks for. Prints what each task took in
clicks or keys and in seconds, and what the browser or the app complained about. `--out` takes a
screenshot after each task: light and dark, on a desktop, a laptop and a phone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from camera import Camera, viewport
from hands import PATIENCE_MS, Hand, Keyboard, Mouse
from running import App

RUN_MS = 600_000
PAIR = "document.querySelector('#stage [data-acked]')?.dataset.pair || ''"
CARD = "#change-on-label .change"
LEFT = "#stage .pair [data-verdict=left]"
BLIND_VOTES = 12
Task = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for screenshots")
    parser.add_argument("--by", choices=["mouse", "keyboard"], help="one of the two only")
    parser.add_argument("--votes", type=int, default=48, help="choices before the first run")
    parser.add_argument("--steps", type=int, default=24, help="of the run that is not cancelled")
    parser.add_argument("--model", default="emoji-fast")
    parser.add_argument("--only", default="", help="words of the tasks to do, with commas between")
    arguments = parser.parse_args()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        for kind in (Mouse, Keyboard):
            if arguments.by in (None, kind.name):
                with opened(browser, arguments.model) as (app, page):
                    FirstHour(app, kind(page), arguments).play()


@contextmanager
def opened(browser: Any, model: str) -> Iterator[tuple[App, Any]]:
    """A new app on an empty studio, and a page of a browser that knows nothing of it."""
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder) / "studio", "--model", model)
        context = browser.new_context(viewport=viewport("desktop"))
        app.start()
        try:
            yield app, context.new_page()
        finally:
            context.close()
            app.stop()
            log = app.log.read_text(errors="replace")
            print("the app's log:", log if "Traceback" in log else "no traceback")


class FirstHour:
    """One hand's way through every task, and what each took."""

    def __init__(self, app: App, hand: Hand, arguments: argparse.Namespace) -> None:
        self._app, self._hand, self._arguments = app, hand, arguments
        self._page, self._keys = hand.page, hand if isinstance(hand, Keyboard) else None
        folder = arguments.out / hand.name if arguments.out else None
        self._camera = Camera(self._page, folder, thorough=self._keys is None)
        self._page.on("pageerror", lambda error: print("page error:", error))
        self._page.on("console", self._complain)

    def play(self) -> None:
        """Do every task, and go on where one fails."""
        print(f"by {self._hand.name}")
        for name, task in self._tasks().items():
            wanted = self._arguments.only.split(",")
            if not any(word in name for word in wanted):
                continue
            started, acts = time.monotonic(), self._hand.acts
            failure = ""
            try:
                task()
            except Exception:
                failure = traceback.format_exc(limit=-3)
            took = f"{self._hand.acts - acts:4} acts {time.monotonic() - started:6.1f} s"
            print(f"{took}  {name}{'  FAILED' if failure else ''}\n{failure}".rstrip(), flush=True)
            self._camera.take(name)

    def _tasks(self) -> dict[str, Task]:
        """The tasks by name, in the order of an hour."""
        return {
            "open": self._open,
            "find out what to do": self._help,
            "vote once": lambda: self._vote(1),
            "say why": self._say_why,
            "take back": self._take_back,
            "four at a time": self._four,
            "own prompt": self._own_prompt,
            "vote on": lambda: self._vote(self._arguments.votes),
            "runs at ten": self._runs_at_ten,
            "start a run": self._start_run,
            "cancel it": self._cancel,
            "look into it": self._look_into,
            "start a short run": self._start_short,
            "wait on label": self._wait_on_label,
            "see what changed": self._see_change,
            "use it": lambda: self._hand.press(f"{CARD} [data-act=use]"),
            "compare": self._compare,
            "back to base": self._back_to_base,
            "blind test": self._blind_test,
            "verdict": self._verdict,
            "change a vote": self._change_vote,
            "another model": self._another_model,
            "free disk": self._free_disk,
            "insights": lambda: self._tab("insights"),
        }

    # ---- labeling ----------------------------------------------------------------------------

    def _open(self) -> None:
        self._page.goto(self._app.url)
        self._page.wait_for_function(PAIR, timeout=PATIENCE_MS)

    def _help(self) -> None:
        self._tool("help", "?")
        self._hand.find(".help-card")
        self._camera.take("help")
        self._key("Escape") if self._keys else self._hand.press(".help-close")

    def _vote(self, votes: int) -> None:
        for number in range(votes):
            right = number % 3 == 1
            self._page.wait_for_function(PAIR, timeout=PATIENCE_MS)
            before = self._page.evaluate(PAIR)
            if self._keys:
                self._key("ArrowRight" if right else "ArrowLeft")
            else:
                self._hand.press(LEFT.replace("left", "right") if right else LEFT)
            self._page.wait_for_function(
                f"before => {{ const pair = {PAIR}; return pair && pair !== before; }}",
                arg=before,
                timeout=PATIENCE_MS,
            )

    def _say_why(self) -> None:
        chip = "#stage .annotations [data-action=reason-0]"
        if self._keys:
            self._key(self._page.locator(f"{chip} kbd").inner_text().lower())
        else:
            self._hand.press(chip)

    def _take_back(self) -> None:
        self._key("z") if self._keys else self._hand.press("#stage [data-action=undo]")

    def _four(self) -> None:
        self._tool("four", "4")
        self._page.wait_for_function("document.querySelectorAll('.four img').length === 4")
        self._camera.take("four")
        for place in (0, 1):
            place_button = f"#stage .four [data-place='{place}']"
            self._key(str(place + 1)) if self._keys else self._hand.press(place_button)
        self._page.wait_for_timeout(1000)
        self._key("Escape") if self._keys else self._tool("four", "4")

    def _own_prompt(self) -> None:
        self._tool("prompt", "n")
        self._page.locator(".next-prompt input").wait_for(timeout=PATIENCE_MS)
        self._page.keyboard.type("a cat with a red hat")
        self._camera.take("own prompt typed")
        self._key("Enter") if self._keys else self._hand.press(".next-prompt [type=submit]")

    # ---- tuning ------------------------------------------------------------------------------

    def _runs_at_ten(self) -> None:
        self._tab("train")
        self._fold("#automatic-runs")
        self._hand.write("#automatic-at input, #automatic-at textarea", "22:00")
        self._hand.press("#save-automatic")
        self._page.locator("#automatic-runs", has_text="22:00").wait_for(timeout=PATIENCE_MS)

    def _start_run(self) -> None:
        if not self._page.locator("#run-budget").is_visible():
            self._tab("train")
        if self._keys:
            self._keys.reach("#run-budget input:checked")
            self._key("ArrowLeft")
        else:
            self._hand.press("#run-budget label >> nth=0")
        self._page.wait_for_timeout(1500)
        self._camera.take("gentle")
        self._hand.press("#fine-tune")
        self._hand.find("#cancel")
        self._page.wait_for_timeout(8000)

    def _cancel(self) -> None:
        self._hand.press("#cancel")
        self._page.wait_for_timeout(300)
        self._camera.take("cancelling")
        self._page.locator("#run", has_text="Cancelled").wait_for(timeout=PATIENCE_MS)

    def _look_into(self) -> None:
        self._hand.press("#open-run")
        self._page.wait_for_timeout(2000)

    def _start_short(self) -> None:
        self._fold("#more-settings")
        self._hand.write("#run-steps input", str(self._arguments.steps))
        self._page.wait_for_timeout(2500)
        self._camera.take("short run")
        self._hand.press("#fine-tune")
        self._hand.find("#cancel")
        self._page.wait_for_timeout(6000)

    def _wait_on_label(self) -> None:
        self._tab("label")
        self._vote(3)
        self._camera.take("run under way")
        self._page.locator(CARD).wait_for(timeout=RUN_MS)

    # ---- what it made ------------------------------------------------------------------------

    def _see_change(self) -> None:
        if self._page.locator(f"{CARD}[data-folded]").count():
            self._camera.take("change folded")
            self._hand.press(f"{CARD} [data-fold]")
        self._hand.find(f"{CARD} .before-after")

    def _compare(self) -> None:
        self._hand.press(f"{CARD} [data-link]")
        self._page.wait_for_function(
            "document.querySelectorAll('#board img').length >= 8", timeout=PATIENCE_MS
        )
        self._page.wait_for_timeout(3000)

    def _back_to_base(self) -> None:
        self._tab("train")
        self._hand.press("#versions [data-version=base]")
        self._hand.press("#make-active")
        self._page.wait_for_timeout(2000)

    def _blind_test(self) -> None:
        self._tab("judge")
        self._page.wait_for_timeout(1500)
        self._camera.take("judge")
        self._hand.press("#start-blind-test")
        self._hand.press("#blind-tests [data-action=vote]")
        self._page.wait_for_function(PAIR, timeout=PATIENCE_MS)
        self._camera.take("blind pair")
        self._vote(BLIND_VOTES)

    def _verdict(self) -> None:
        self._hand.press("#stage [data-action=blind-test]")
        self._hand.find("#blind-tests .outcome")
        self._page.wait_for_timeout(3500)
        self._camera.take("blind test under way")
        self._hand.press("#blind-tests [data-action=end]")
        self._page.wait_for_timeout(1500)

    # ---- what else an hour asks for ----------------------------------------------------------

    def _change_vote(self) -> None:
        self._tab("label")
        self._page.wait_for_timeout(1000)
        self._camera.take("label after the test")
        self._tool("votes", "")
        self._hand.press(".vote-card .vote-edit >> nth=0")
        self._camera.take("votes")
        self._hand.press(".vote-card .vote-changes button:has-text('Both good')")
        self._page.wait_for_timeout(1000)

    def _another_model(self) -> None:
        self._tab("settings")
        self._camera.take("settings")
        self._fold("#model")
        self._hand.press("#models button[data-model]")
        self._page.wait_for_timeout(8000)

    def _free_disk(self) -> None:
        self._fold("#disk")
        self._hand.press("#usage button[data-kind]")
        self._page.wait_for_timeout(1500)
        self._camera.take("clean up")
        if self._page.locator("#clean-up").is_visible():
            self._hand.press("#clean-up")
        self._page.wait_for_timeout(1500)

    # ---- how -----------------------------------------------------------------------------------

    def _tab(self, name: str) -> None:
        self._hand.press(f"#{name}-tab-button")
        self._page.wait_for_timeout(1500)

    def _fold(self, section: str) -> None:
        self._hand.press(f"{section} > button, {section} .label-wrap")

    def _tool(self, action: str, key: str) -> None:
        """Choose from the tools, by its key where it has one."""
        if self._keys and key:
            return self._key(key)
        self._hand.press("#stage [data-action=tools]")
        return self._hand.press(f"#stage-tools [data-action={action}]")

    def _key(self, name: str) -> None:
        assert self._keys
        self._keys.key(name)

    def _complain(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            print(f"console {message.type}: {message.text[:300]}", flush=True)


if __name__ == "__main__":
    main()
