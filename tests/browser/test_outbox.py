"""Votes outlive the server and the page."""

import re
from typing import Any

import pytest
from journeys import Stage
from running import App

pytestmark = pytest.mark.browser

SERVER_FUNCTIONS = re.compile(r"/component_server\b")


def test_votes_given_while_the_server_is_dead_survive_a_reload_and_arrive_once(
    app: App, page: Any, stage: Stage
) -> None:
    stage.open(app.url)
    stage.wait_until("ready", "Number(value) >= 4")
    stage.press("ArrowLeft")
    stage.wait_until_saved(1)
    stage.wait_until("ready", "Number(value) >= 4")

    app.kill()
    stage.press("ArrowRight")
    stage.press("ArrowDown")
    stage.wait_until("unsent", "value === '2'")

    # With the server back but nothing getting through, only the browser can know of the votes.
    page.context.route(SERVER_FUNCTIONS, lambda route: route.abort())
    app.start()
    page.goto(app.url)
    stage.wait_until("unsent", "value === '2'")
    page.locator("#stage .unsent", has_text="2 unsent").wait_for()

    page.context.unroute(SERVER_FUNCTIONS)
    stage.wait_until_saved(3)
    stage.press("ArrowLeft")
    stage.wait_until_saved(4)


def test_an_undo_given_while_the_server_is_dead_takes_back_the_right_vote(
    app: App, page: Any, stage: Stage
) -> None:
    stage.open(app.url)
    stage.wait_until("ready", "Number(value) >= 4")
    stage.press("ArrowLeft")
    stage.wait_until_saved(1)
    stage.wait_until("ready", "Number(value) >= 4")

    app.kill()
    regretted = stage.press("ArrowRight")
    stage.press("z")
    assert stage.read("pair") == regretted
    app.start()

    stage.wait_until_saved(1)
    stage.press("s")
    stage.wait_until_saved(2)
