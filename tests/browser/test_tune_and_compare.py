"""From votes to a version that is active, to pictures before and after, and to a blind verdict."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from journeys import SLOW_MS, Stage
from running import App, wait_for

pytestmark = pytest.mark.browser

RUN_MS = 300_000
VOTES = 12
SETTLING = 8
"""Votes for one side that settle a verdict."""


def test_a_person_fine_tunes_compares_judges_blind_and_goes_back(
    shared_app: App, page: Any, stage: Stage, tmp_path: Path
) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    for turn in range(VOTES):
        stage.press("ArrowLeft" if turn % 2 else "ArrowRight")
    stage.wait_until_saved(saved + VOTES)

    fine_tune(page)
    page.locator("#versions [data-version=v1]").click()
    page.locator("#versions tr", has_text="v1").locator(".active").wait_for(timeout=SLOW_MS)

    page.locator("#compare-tab-button").click()
    different = compare(page, "a red apple", "base", "v1")
    assert different[0] != different[1]
    same = compare(page, "a red apple", "base", "base")
    assert same[0] == same[1] == different[0]

    page.locator("#board [data-mode=slider]").click()
    with page.expect_download() as saved:
        page.locator("#board [data-save]").first.click()
    picture = tmp_path / "saved.png"
    saved.value.save_as(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")

    page.locator("#verdict-tab-button").click()
    page.locator("#start-trial:not([disabled])").click(timeout=SLOW_MS)
    page.locator("#trials [data-act=vote]").click(timeout=SLOW_MS)
    page.locator("#stage .trial").wait_for(timeout=SLOW_MS)
    for _ in range(SETTLING):
        stage.press(side_of(shared_app, page, "v1"))
    page.locator("#stage .trial", has_text="settled").wait_for(timeout=SLOW_MS)
    page.locator("#stage [data-act=verdict]").click()
    verdict = page.locator("#trials .outcome.good")
    verdict.wait_for(timeout=SLOW_MS)
    assert "v1 is better than base" in verdict.inner_text()
    page.locator("#trials [data-act=back]").click()
    page.locator("#trials [data-act=use]").wait_for(timeout=SLOW_MS)
    assert shared_app.client().predict(api_name="/versions")[0]["active"]

    page.locator("#label-tab-button").click()
    page.locator("#stage [data-act=leave]").click()
    page.locator("#stage .trial").wait_for(state="hidden", timeout=SLOW_MS)
    restored = ["base", "base"]
    wait_for(lambda: drawn_by(shared_app, page) == restored, "a pair of the restored version")


def side_of(app: App, page: Any, version: str) -> str:
    """The key of the side that a version drew, which nobody can see."""
    return "ArrowLeft" if drawn_by(app, page)[0] == version else "ArrowRight"


def drawn_by(app: App, page: Any) -> list[str]:
    """Which versions drew the two pictures on the stage, by a copy of the app's database."""
    sources = page.locator("#stage .frame img").evaluate_all("all => all.map(one => one.src)")
    ids = [source.rsplit("/", 1)[1].removesuffix(".png") for source in sources]
    with tempfile.TemporaryDirectory() as folder:
        for file in app.home.glob("palate.duckdb*"):
            shutil.copy(file, folder)
        with duckdb.connect(str(Path(folder) / "palate.duckdb")) as copied:
            rows = copied.execute("SELECT image_id, version FROM images").fetchall()
    known = dict(rows)
    return [known[image_id] for image_id in ids]


def fine_tune(page: Any) -> None:
    page.locator("#tune-tab-button").click()
    page.get_by_text("Advanced settings").click()
    page.locator("#settings textarea").fill('{"steps": 4, "checks": 1}')
    # A vote counts ten seconds after it was given, so the plan may not be there at once.
    page.locator("#plan .facts").wait_for(timeout=SLOW_MS)
    page.locator("#fine-tune:not([disabled])").click(timeout=SLOW_MS)
    page.locator("#run [data-state=running], #run [data-state=done]").wait_for(timeout=SLOW_MS)
    page.locator("#run [data-state=done]").wait_for(timeout=RUN_MS)
    assert page.locator("#run .outcome").inner_text()


def compare(page: Any, prompt: str, before: str, after: str) -> list[str]:
    """Compare one seed and return the addresses of the two pictures."""
    page.locator("#compare-prompts textarea").fill(prompt)
    page.locator("#seeds input, #seeds textarea").fill("7")
    choose(page, "#before", before)
    choose(page, "#after", after)
    page.locator("#start-compare:not([disabled])").click(timeout=SLOW_MS)
    labels = page.locator("#board .sides em")
    page.wait_for_function(
        "wanted => [...document.querySelectorAll('#board .sides em')]"
        ".map(label => label.textContent).join() === wanted",
        arg=f"{before},{after}",
        timeout=RUN_MS,
    )
    assert labels.count() == 2
    pictures = page.locator("#board img")
    return [str(pictures.nth(side).get_attribute("src")) for side in range(2)]


def choose(page: Any, dropdown: str, version: str) -> None:
    page.locator(f"{dropdown} input").click()
    page.locator(dropdown).get_by_role("option", name=version, exact=True).click()
