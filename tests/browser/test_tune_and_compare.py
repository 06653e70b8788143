"""From votes to a version that is active, and to pictures before and after."""

from pathlib import Path
from typing import Any

import pytest
from journeys import SLOW_MS, Stage
from running import App

pytestmark = pytest.mark.browser

RUN_MS = 300_000
VOTES = 12


def test_a_person_fine_tunes_makes_the_version_active_and_compares(
    shared_app: App, page: Any, stage: Stage, tmp_path: Path
) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    for turn in range(VOTES):
        stage.press("ArrowLeft" if turn % 2 else "ArrowRight")
    stage.wait_until_saved(saved + VOTES)

    fine_tune(page)
    page.locator("#library-tab-button").click()
    page.locator("#versions [data-version=v1]").click()
    page.locator("#make-active:not([disabled])").click(timeout=SLOW_MS)
    page.locator("#versions [data-version=v1] .active").wait_for(timeout=SLOW_MS)

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


def fine_tune(page: Any) -> None:
    page.locator("#tune-tab-button").click()
    page.get_by_text("Advanced settings").click()
    page.locator("#settings textarea").fill('{"steps": 4}')
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
