"""Votes outlive the server and the page."""

import json
import re
from typing import Any

import pytest
from journeys import Stage
from running import App

pytestmark = pytest.mark.browser

SERVER_FUNCTIONS = re.compile(r"/component_server\b")


def one_vote_ahead(app: App, stage: Stage) -> int:
    """Vote once, wait for pairs that need no server, and return how many votes are saved."""
    stage.open(app.url)
    saved = stage.saved()
    stage.wait_until("ready", "Number(value) >= 4")
    stage.press("ArrowLeft")
    stage.wait_until_saved(saved + 1)
    stage.wait_until("ready", "Number(value) >= 4")
    return saved + 1


def test_votes_given_while_the_server_is_dead_survive_a_reload_and_arrive_once(
    app: App, page: Any, stage: Stage
) -> None:
    saved = one_vote_ahead(app, stage)

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
    stage.wait_until_saved(saved + 2)
    stage.press("ArrowLeft")
    stage.wait_until_saved(saved + 3)


def test_an_undo_given_while_the_server_is_dead_takes_back_the_right_vote(
    app: App, page: Any, stage: Stage
) -> None:
    saved = one_vote_ahead(app, stage)

    app.kill()
    regretted = stage.press("ArrowRight")
    stage.press("z")
    assert stage.read("pair") == regretted
    app.start()

    stage.wait_until_saved(saved)
    stage.press("s")
    stage.wait_until_saved(saved + 1)


def test_a_page_whose_stage_has_another_number_by_now_says_to_reload_it(
    app: App, page: Any, stage: Stage
) -> None:
    """As after an update of Palate: the server answers, but not to what the page calls."""
    saved = one_vote_ahead(app, stage)

    def misnumbered(route: Any) -> None:
        body = json.loads(route.request.post_data)
        route.continue_(post_data=json.dumps(body | {"component_id": body["component_id"] - 1}))

    page.context.route(SERVER_FUNCTIONS, misnumbered)
    stage.press("ArrowLeft")
    page.locator("[data-palate-status]", has_text="not to this page").wait_for()
    page.context.unroute(SERVER_FUNCTIONS)

    page.reload()
    stage.wait_until_saved(saved + 1)
