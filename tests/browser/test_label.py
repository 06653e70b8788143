"""A person labels with the keyboard alone."""

from typing import Any

import gradio_client
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


def test_a_page_whose_scripts_do_not_come_says_to_reload_it(
    shared_app: App, page: Any, stage: Stage
) -> None:
    page.route("**/stage/outbox.js", lambda route: route.abort())
    page.goto(shared_app.url)
    page.locator("#stage", has_text="could not be loaded. Reload the page.").wait_for()
    page.unroute("**/stage/outbox.js")
    stage.open(shared_app.url)


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

    page.locator("#train-tab-button").click()
    page.locator("#fine-tune").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator("#label-tab-button").click()
    assert stage.wait_for_pair()
    stage.wait_until_saved(saved)


def test_the_winner_stays_beside_one_new_image_until_its_vote_is_undone(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    page.keyboard.press("k")
    page.locator('#stage .keep[aria-pressed="true"]').wait_for(state="attached")

    def shown() -> tuple[str, set[str]]:
        images = page.locator("#stage .pair img").evaluate_all("all => all.map((one) => one.src)")
        return page.locator("#stage .prompt").inner_text(), set(images)

    stays = page.locator("#stage .question", has_text="The winner stays")
    before: dict[str, set[str]] = {}
    for turn in range(1, 9):
        page.wait_for_timeout(300 * turn)  # in which the next image is rendered
        prompt, images = shown()
        before[prompt] = images
        pair = stage.press("ArrowLeft")
        if stays.is_visible():
            break

    # Of this vote, or of one whose new image came late.
    prompt, images = shown()
    assert stays.inner_text() == "The winner stays, 1 of 5"
    assert len(images & before[prompt]) == 1
    stage.press("z")
    assert stage.read("pair") == pair
    page.keyboard.press("k")
    page.locator('#stage .keep[aria-pressed="false"]').wait_for(state="attached")


def test_a_click_on_a_image_chooses_it(shared_app: App, page: Any, stage: Stage) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    pair = stage.read("pair")
    page.locator('#stage .image[data-verdict="right"]').click()
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
    pair, overlay = stage.wait_for_pair(), page.locator("#stage .overlay")
    page.keyboard.down(" ")
    overlay.wait_for(state="visible")
    page.keyboard.up(" ")
    overlay.wait_for(state="hidden")
    page.keyboard.press("d")
    overlay.wait_for(state="visible")
    assert "differ by" in overlay.inner_text()
    page.keyboard.press("Escape")
    overlay.wait_for(state="hidden")
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


def call(app: App, endpoint: str, *arguments: Any) -> Any:
    """Ask the API, as a program does."""
    return gradio_client.Client(app.url, verbose=False).predict(*arguments, api_name=f"/{endpoint}")


def take_back(page: Any, note: str) -> None:
    page.keyboard.press("z")
    page.locator("#stage .note", has_text=note).wait_for()


def test_whatever_was_given_last_is_taken_back_first(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    page.locator("#stage .who input").fill("undoer")
    page.locator("#stage .who input").press("Enter")
    stage.wait_for_pair()
    page.locator("#stage .chip").nth(3).wait_for()
    saved = stage.saved()
    voted, reported = stage.press("ArrowLeft"), stage.press("x")
    stage.wait_until_saved(saved + 1)
    assert decisions(shared_app, "undoer") == ["open"]

    take_back(page, "Your flag is taken back")
    assert stage.read("pair") == reported
    stage.wait_until_saved(saved + 1)
    assert decisions(shared_app, "undoer") == ["withdrawn"]
    take_back(page, "Your vote is taken back")
    assert stage.read("pair") == voted
    stage.wait_until_saved(saved)

    stage.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    pressed = page.locator('#stage .chip[aria-pressed="true"]')
    assert pressed.count() == 1
    take_back(page, "plain choice")
    assert pressed.count() == 0
    stage.wait_until_saved(saved + 1)
    take_back(page, "Your vote is taken back")
    assert stage.read("pair") == voted
    stage.wait_until_saved(saved)


def test_an_undo_reaches_what_was_given_before_a_reload_and_on_another_device(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    page.locator("#stage .who input").fill("traveller")
    page.locator("#stage .who input").press("Enter")
    stage.wait_for_pair()
    saved = stage.saved()
    voted, reported = stage.press("ArrowLeft"), stage.press("x")
    stage.wait_until_saved(saved + 1)
    page.reload()
    stage.wait_for_pair()
    mine = stage.press("ArrowLeft")
    stage.wait_until_saved(saved + 2)
    elsewhere = call(shared_app, "next_pair", "traveller")
    call(shared_app, "vote", elsewhere["pair_id"], "tie", "traveller", "from the phone")

    for pair in (elsewhere["pair_id"], mine, reported, voted):
        page.keyboard.press("z")
        stage.wait_until("pair", f"value === {pair!r}")
        stage.wait_until("unsent", "value === '0'")
    assert decisions(shared_app, "traveller") == ["withdrawn"]
    stage.wait_until_saved(saved)


def decisions(app: App, who: str) -> list[str]:
    return [one["decision"] for one in call(app, "flags") if one["by"] == who]


def test_an_answer_by_a_criterion_is_taken_back_before_its_vote(
    shared_app: App, page: Any, stage: Stage
) -> None:
    offered = call(shared_app, "project")
    call(shared_app, "change_project", offered["reasons"], ["detail"], offered["overlap"])
    try:
        stage.open(shared_app.url)
        question = page.locator("#stage .question", has_text="Which one by detail?")
        page.locator("#stage .chip").nth(3).wait_for()
        saved, voted = stage.saved(), stage.read("pair")
        page.keyboard.press("ArrowLeft")
        question.wait_for()
        stage.press("ArrowRight")
        take_back(page, "The answer is taken back")
        assert stage.read("pair") == voted
        question.wait_for()
        stage.wait_until_saved(saved + 1)
        take_back(page, "Your vote is taken back")
        assert stage.read("pair") == voted and not question.is_visible()
        stage.wait_until_saved(saved)
    finally:
        call(shared_app, "change_project", offered["reasons"], [], offered["overlap"])
