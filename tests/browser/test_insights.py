"""A person looks at their own votes, and gets a hint to slow down when going too fast."""

from typing import Any

import pytest
from journeys import SLOW_MS, Stage
from running import App

pytestmark = pytest.mark.browser


def test_a_fast_labeler_is_offered_a_pause_that_takes_no_key_and_then_sees_insights(
    shared_app: App, page: Any, stage: Stage
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    stage.open(shared_app.url)
    saved = stage.saved()
    for _ in range(12):
        stage.press("ArrowLeft")
    card = page.locator("#stage .pace-hint")
    card.wait_for(timeout=SLOW_MS)
    assert "look" in card.inner_text()
    stage.press("ArrowRight")
    stage.wait_until_saved(saved + 13)
    card.locator("button").click()
    card.wait_for(state="hidden")

    page.locator("#insights-tab-button").click()
    page.locator("#insights .person").first.wait_for(timeout=SLOW_MS)
    assert "Pace" in page.locator("#insights").inner_text()
    page.locator("#label-tab-button").click()
    assert stage.wait_for_pair()
    assert problems == []
