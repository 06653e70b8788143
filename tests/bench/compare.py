"""How long a person waits for a comparison: 64 images of one version, in the app.

python tests/bench/compare.py    an empty studio, a tiny run, then the API and Chromium
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from running import App, open_pair, run_ended

PROMPTS = ["a smiling cat", "a red apple", "a yellow car", "a green tree"]
SEEDS = 16
FIRST, WHOLE, AGAIN = 2.0, 15.0, 0.3
SMALL = {"steps": 8, "train_batch_size": 2, "rank": 4}
DRAWN = "wanted => document.querySelectorAll('#board img').length >= wanted"


def main() -> None:
    """Start an app on an empty studio, make a version and compare with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--votes", type=int, default=12, help="votes to make the version from")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    app = App(folder / "studio", "--train-every", "0")
    try:
        app.start()
        version = tuned(app, arguments.votes)
        print(f"{len(PROMPTS) * SEEDS} images of {version}, {len(PROMPTS)} prompts")
        through_the_api(app, version)
        through_the_page(app)
    finally:
        app.stop()
        shutil.rmtree(folder, ignore_errors=True)


def tuned(app: App, votes: int) -> str:
    """Vote, fine-tune for a moment and return the version that came of it."""
    api = app.client()
    for number in range(votes):
        pair = open_pair(api, "bench")
        verdict = "left" if number % 2 else "right"
        api.predict(pair["pair_id"], verdict, "bench", f"bench-{number}", api_name="/vote")
    run = api.predict(SMALL, api_name="/fine_tune")["run_id"]
    status = run_ended(api, run)
    assert status["state"] == "done", status
    filled(app)
    return str(status["version"])


def filled(app: App) -> None:
    """Wait until the pool is full: after a run, or when a page has taken its pairs.

    A person who compares later has waited for none of it.
    """
    while app.client().predict(api_name="/stats")["ready_pairs"] < 24:
        time.sleep(0.5)
    time.sleep(2)


def through_the_api(app: App, version: str) -> None:
    """Time /compare_many, whose base column is drawn first and not counted."""
    api, seeds = app.client(), list(range(SEEDS))
    ask = (PROMPTS, seeds)
    api.predict(*ask, "base", "base", api_name="/compare_many")
    for name, limit in (("API, drawn", WHOLE), ("API, again", AGAIN)):
        began = time.perf_counter()
        drawn = api.predict(*ask, "base", version, api_name="/compare_many")
        report(name, time.perf_counter() - began, limit)
        assert len(drawn) == len(PROMPTS) * SEEDS


def through_the_page(app: App) -> None:
    """Time the page, from the click to the last image, on seeds that nobody has seen."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only this part needs it

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        # Only the version's images are missing: the base's are drawn through the API.
        seeds = list(range(SEEDS, 2 * SEEDS))
        app.client().predict(PROMPTS, seeds, "base", "base", api_name="/compare_many")
        for name in ("page, drawn", "page, again"):
            times = watched(page, app)
            report(f"{name}, first", times["first"], FIRST)
            report(f"{name}, all", times["all"], WHOLE if name == "page, drawn" else AGAIN)
        browser.close()


def watched(page: Any, app: App) -> dict[str, float]:
    """Fill the form, press Compare, and time the images; the base's are there at once."""
    count = len(PROMPTS) * SEEDS
    page.goto(app.url)
    filled(app)
    page.locator("#compare-tab-button").click()
    page.locator("#compare-prompts textarea").fill("\n".join(PROMPTS))
    page.locator("#seeds input, #seeds textarea").fill(f"{SEEDS}-{2 * SEEDS - 1}")
    page.locator("#columns .token").nth(1).wait_for()
    began = time.perf_counter()
    page.locator("#start-compare:not([disabled])").click()
    page.wait_for_function(DRAWN, arg=count + 1, timeout=120_000, polling=20)
    first = time.perf_counter() - began
    page.wait_for_function(DRAWN, arg=2 * count, timeout=120_000, polling=20)
    return {"first": first, "all": time.perf_counter() - began}


def report(name: str, seconds: float, limit: float) -> None:
    """Print a time beside what it should be at most."""
    print(f"{name:24} {seconds:7.2f} s   {'ok' if seconds <= limit else 'MISSES'} ({limit:g} s)")


if __name__ == "__main__":
    main()
