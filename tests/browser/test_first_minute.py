"""The first minute: where one is, what counts, and that everything given can be taken back."""

from typing import Any

import pytest
from journeys import SLOW_MS, Stage
from running import App

pytestmark = pytest.mark.browser


def test_a_flag_is_taken_back_before_the_vote_that_came_before_it(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    voted = stage.press("ArrowLeft")
    flagged = stage.press("x")
    stage.wait_until("unsent", "value === '0'")
    stage.press("z")
    assert stage.read("pair") == flagged
    stage.wait_until("unsent", "value === '0'")
    # After a reload the server knows what was given last.
    stage.open(shared_app.url)
    page.keyboard.press("z")
    stage.wait_until("pair", f"value === {voted!r}")


def test_a_goal_that_is_reached_takes_no_key_and_is_told_once(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    assert page.locator("#masthead .machine").inner_text().startswith("emoji")
    assert page.locator("#stage .steps").bounding_box()["height"] <= 28
    page.evaluate("document.querySelector('#stage [data-action=session]').click()")
    page.locator("#stage .session-goal").fill("2")
    page.locator("#stage [data-action=session-begin]").click()
    page.locator("#stage .session-card").wait_for(state="hidden", timeout=SLOW_MS)

    for key in ("ArrowLeft", "ArrowDown", "ArrowRight"):
        stage.press(key)
    told = "document.querySelector('#stage .session-chip').textContent === '3 of 2 · reached'"
    page.wait_for_function(told, timeout=SLOW_MS)
    stage.wait_until("unsent", "value === '0'")
    stage.open(shared_app.url)
    page.wait_for_function(told, timeout=SLOW_MS)
    assert not page.locator("#stage .session-card").is_visible()
    stage.press("ArrowLeft")


def test_an_earlier_vote_is_found_and_changed(shared_app: App, page: Any, stage: Stage) -> None:
    stage.open(shared_app.url)
    stage.press("ArrowLeft")
    stage.press("ArrowDown")
    stage.wait_until("acked", "value === '2'")

    page.evaluate("document.querySelector('#stage [data-action=votes]').click()")
    cards = page.locator(".vote-card")
    cards.nth(1).wait_for(timeout=SLOW_MS)
    assert [card.split(" · ")[0] for card in page.locator(".vote-said").all_inner_texts()] == [
        "Tie",
        "Left is better",
    ]
    cards.nth(1).locator(".vote-edit").click()
    cards.nth(1).get_by_role("button", name="Both good").click()
    page.get_by_text("Changed: both good.").wait_for(timeout=SLOW_MS)
    cards.nth(0).locator(".vote-edit").click()
    cards.nth(0).get_by_role("button", name="Take back").click()
    page.get_by_text("Taken back.").wait_for(timeout=SLOW_MS)
    assert cards.count() == 1
