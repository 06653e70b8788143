"""Pairs are prepared on the page, for people who label later."""

from typing import Any

import pytest
from journeys import SLOW_MS, WORK_MS, Stage, open_setting
from running import App

pytestmark = pytest.mark.browser


def test_a_number_of_pairs_is_prepared_and_odd_ones_are_refused_in_place(
    page: Any, stage: Stage, shared_app: App
) -> None:
    stage.open(shared_app.url)
    open_setting(page, "prepare")
    costs, count = page.locator("#prepare-costs"), page.locator("#prepare-count input")
    costs.get_by_text("free now").wait_for(timeout=SLOW_MS)

    count.fill("")
    costs.get_by_text("Say how many pairs: a whole number from 1 to 100,000.").wait_for()
    assert page.locator("#prepare-start").is_disabled()
    count.fill("3")
    costs.locator("b", has_text="3").first.wait_for()
    page.locator("#prepare-start:not([disabled])").click()
    page.get_by_text("3 asked for, all rendered.").wait_for(timeout=WORK_MS)
    page.locator("#prepare-start").wait_for(timeout=SLOW_MS)
