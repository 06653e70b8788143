"""A person labels with the keyboard alone."""

from typing import Any

import pytest
from journeys import Stage
from running import App

pytestmark = pytest.mark.browser


def test_keys_vote_undo_brings_the_pair_back_and_nothing_is_asked_of_third_parties(
    shared_app: App, page: Any, stage: Stage
) -> None:
    problems: list[str] = []
    page.on("console", lambda line: line.type == "error" and problems.append(line.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    strangers: list[str] = []
    page.on("request", lambda asked: strangers.append(asked.url))

    stage.open(shared_app.url)
    saved = stage.saved()
    voted = [stage.press(key) for key in ("ArrowLeft", "ArrowRight", "ArrowDown", "g", "b", "s")]
    stage.press("z")
    assert stage.read("pair") == voted[-1]
    stage.press("ArrowLeft")
    stage.wait_until_saved(saved + 6)

    assert len(set(voted)) == 6
    assert problems == []
    assert [
        url for url in strangers if not url.startswith((shared_app.url, "data:", "blob:"))
    ] == []


def test_keys_are_left_alone_while_a_person_types_reads_help_or_looks_at_another_tab(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()

    page.locator("#stage .who input").fill("ada")
    page.locator("#stage .who input").press("g")
    page.locator("#stage .who input").press("Enter")
    stage.wait_for_pair()
    assert page.locator("#stage .who input").input_value() == "adag"

    page.keyboard.press("?")
    page.locator("#stage .help-card").wait_for()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    page.locator("#stage .help-card").wait_for(state="hidden")

    page.locator("#tune-tab-button").click()
    page.locator("#fine-tune").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator("#label-tab-button").click()
    assert stage.wait_for_pair()
    stage.wait_until_saved(saved)


def test_a_click_on_a_picture_chooses_it(shared_app: App, page: Any, stage: Stage) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    pair = stage.read("pair")
    page.locator('#stage .picture[data-verdict="right"]').click()
    stage.wait_until("pair", f"value !== '' && value !== {pair!r}")
    stage.wait_until_saved(saved + 1)


def test_more_is_said_of_the_last_choice_and_four_are_ranked_in_two_keys(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    page.locator("#stage .chip").nth(3).wait_for()
    stage.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("h")
    pressed = page.locator('#stage .chip[aria-pressed="true"]')
    assert pressed.all_text_contents() == ["↑Clearly better", "Hhands"]

    page.keyboard.press("4")
    page.locator("#stage .four img").nth(3).wait_for(timeout=60_000)
    four = stage.wait_for_pair()
    page.keyboard.press("2")
    assert page.locator("#stage .question").inner_text() == "And which one is the worst?"
    page.keyboard.press("3")
    stage.wait_until_saved(saved + 2)
    page.keyboard.press("z")
    stage.wait_until("pair", f"value === {four!r}")
    stage.wait_until_saved(saved + 1)
    page.keyboard.press("Escape")
    page.locator("#stage .pair img").first.wait_for(timeout=60_000)


def test_a_pair_is_looked_at_closely_and_let_go(shared_app: App, page: Any, stage: Stage) -> None:
    stage.open(shared_app.url)
    pair, lens = stage.wait_for_pair(), page.locator("#stage .lens")
    page.keyboard.down(" ")
    lens.wait_for(state="visible")
    page.keyboard.up(" ")
    lens.wait_for(state="hidden")
    page.keyboard.press("d")
    lens.wait_for(state="visible")
    assert "differ by" in lens.inner_text()
    page.keyboard.press("Escape")
    lens.wait_for(state="hidden")
    page.keyboard.press("1")
    page.locator("#stage .stage[data-zoomed]").wait_for()
    page.keyboard.press("Escape")
    page.locator("#stage .stage:not([data-zoomed])").wait_for()
    assert stage.read("pair") == pair, "looking is no vote"


def test_a_key_of_ones_own_takes_the_place_of_the_usual_one(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    page.keyboard.press("?")
    page.locator('#stage [data-pick="skip"]').click()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    stage.press("k")
    stage.wait_until_saved(saved + 1)
    assert page.locator('#stage [data-key="skip"]').inner_text() == "K"
