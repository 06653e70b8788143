"""Two people, each with a page of their own, in one browser after the other."""

import re
from pathlib import Path
from typing import Any

import pytest
from journeys import SLOW_MS, Stage, open_setting
from running import App, wait_for

pytestmark = pytest.mark.browser

NAME = "<img src=x onerror=\"document.title='run'\">"
PASSWORD = "correct horse battery"


@pytest.fixture
def signed(chromium: Any, small_model_folder: Path, tmp_path: Path) -> Any:
    app = App(
        tmp_path / "studio",
        *("--train-every", "0", "--model", str(small_model_folder), "--sign-in", "accounts"),
    )
    app.start()
    yield app
    app.stop()


def choose_password(page: Any, link: str, name: str | None = None) -> None:
    page.goto(link)
    if name:
        page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.locator("[data-palate-account]").wait_for()


def test_an_admin_lets_a_labeler_in_who_votes_and_whose_unsent_votes_wait_for_them(
    signed: App, page: Any, stage: Stage
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    found = wait_for(lambda: re.search(r"http\S+welcome\S+", signed.log.read_text()), "the link")
    choose_password(page, found[0], "Ada")
    open_setting(page, "people-section")
    page.locator("#people .card.notice").wait_for()
    page.locator("#person-name input, #person-name textarea").fill(NAME)
    page.locator("#add-person").click()
    link = page.locator("#person-link input").input_value()
    assert page.locator("#people td b").first.inner_text() == NAME
    # Each column stands under its name.
    head, body = (
        page.locator(f"#people {cell}").first.bounding_box() for cell in ("th", "tbody td")
    )
    assert (head["x"], head["width"]) == (body["x"], body["width"]) and head["y"] < body["y"]
    page.get_by_role("button", name="Sign out").click()

    choose_password(page, link)
    assert page.locator('[role="tab"]').count() == 0
    assert page.locator("#stage .who input").input_value() == NAME
    assert not page.locator("#stage .who input").is_editable()
    stage.wait_for_pair()
    stage.press("ArrowLeft")
    stage.wait_until_saved(1)

    page.route("**/gradio_api/component_server/", lambda route: route.abort())
    page.keyboard.press("ArrowRight")
    stage.wait_until("unsent", "value === '1'")
    # Somebody else on this browser: the vote waits for whom it is from.
    page.evaluate("fetch('sign-out', { method: 'POST' })")
    page.unroute("**/gradio_api/component_server/")
    page.goto(signed.url + "sign-in")
    page.fill("input[name=name]", "Ada")
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    # The tab that this browser showed last is in front, and the stage behind it.
    saved = page.locator("#stage .saved", has_text="1 vote saved")
    saved.wait_for(state="attached", timeout=SLOW_MS)
    assert stage.read("unsent") == "0"
    page.get_by_role("button", name="Sign out").click()
    page.fill("input[name=name]", NAME)
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    stage.wait_until_saved(2)
    assert page.title() == "Palate" and problems == []
