"""The form of the next run: it and its JSON follow each other, and an error stands at its field."""

import json
from typing import Any

import pytest
from journeys import SLOW_MS, Stage
from running import App

pytestmark = pytest.mark.browser


def test_form_and_json_follow_each_other_and_an_error_stands_at_its_field(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    stage.press("ArrowLeft")
    page.locator("#train-tab-button").click()
    page.locator("#plan .facts").wait_for(timeout=SLOW_MS)
    steps_by_default = fact(page, "steps")
    page.get_by_text("More settings").click()
    page.get_by_text("Settings as JSON").click()

    page.get_by_label("Strong").check()
    wait_for_json(page, {"budget": "strong"})
    # Arrow keys go from one to the next.
    page.get_by_label("Strong").press("ArrowLeft")
    wait_for_fact(page, "steps", steps_by_default)
    page.get_by_label("Normal").press("ArrowRight")
    wait_for_json(page, {"budget": "strong"})
    assert page.locator("#run-steps input").input_value() == str(2 * steps_by_default)
    wait_for_fact(page, "steps", 2 * steps_by_default)

    page.locator("#run-steps input").fill("60")
    wait_for_json(page, {"steps": 60})
    assert page.locator("#run-budget input:checked").count() == 0

    write_json(page, '{"rank": 0, "kappa": 80}')
    wrong = page.locator("#run-rank.invalid, .invalid:has(#run-rank)").first
    wrong.wait_for(timeout=SLOW_MS)
    assert "Error: rank must be between 1 and 512" in page.locator("#run-rank").inner_text()
    assert page.locator("#plan").get_by_text("The settings have an error").count() == 1
    assert page.locator("#fine-tune").is_disabled()

    page.locator("#run-rank input").fill("16")
    wait_for_json(page, {"kappa": 80})
    page.locator("#plan .facts").wait_for(timeout=SLOW_MS)
    assert "Error" not in page.locator("#run-rank").inner_text()
    write_json(page, "{}")
    wait_for_fact(page, "steps", steps_by_default)


def write_json(page: Any, text: str) -> None:
    """Write settings as somebody does who pastes them and goes on."""
    page.locator("#settings textarea").fill(text)
    page.locator("#settings textarea").blur()


def wait_for_json(page: Any, settings: dict[str, Any]) -> None:
    page.wait_for_function(
        "wanted => { try { return JSON.stringify(JSON.parse(document.querySelector("
        "'#settings textarea').value)) === wanted; } catch { return false; } }",
        arg=json.dumps(settings, separators=(",", ":")),
        timeout=SLOW_MS,
    )


def fact(page: Any, name: str) -> int:
    """A number of the plan."""
    cell = page.locator("#plan .facts div", has_text=name).first
    return int(cell.locator("b").inner_text())


def wait_for_fact(page: Any, name: str, value: int) -> None:
    cell = page.locator("#plan .facts div", has_text=name).first
    cell.locator("b", has_text=str(value)).wait_for(timeout=SLOW_MS)
