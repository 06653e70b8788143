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
