"""The moment a run ends: the card on Label and Train, by mouse and by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest
from annotate_web import Web, answering, open_web
from journeys import SLOW_MS, Stage
from sampled_runs import HELPED, PROMPTS, run_to_its_end

pytestmark = pytest.mark.browser

HARDLY = HELPED | {"movement": 0.004}
CHECK = {"name": "variety", "passed": False, "value": 0.1, "limit": 0.5}
WORSE = {"held_back": True, "checks": [CHECK | {"sentence": "Its images lost variety."}]}
ON_LABEL, ON_TRAIN = "#change-on-label .change", "#change-on-train .change"


@pytest.fixture(scope="module")
def web(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with open_web(tmp_path_factory.mktemp("changed")) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(web: Web) -> Iterator[str]:
    with answering(web) as address:
        yield address


def run(web: Web, result: dict[str, Any]) -> None:
    """Run to the end, with images of before and after as a trainer writes them."""
    web.place.label(1)
    run_to_its_end(web.place, result)


def active(web: Web) -> str:
    return next(each["version"] for each in web.place.studio.versions() if each["active"])


def test_a_card_comes_beside_the_pair_and_is_used_by_keyboard(
    web: Web, url: str, page: Any, stage: Stage
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    stage.open(url)
    focused = "document.activeElement.className"
    before = page.evaluate(focused)
    run(web, HELPED)
    page.locator(ON_LABEL).wait_for(timeout=SLOW_MS)
    assert "v1: It moved your way" in page.locator(ON_LABEL).inner_text()
    assert page.evaluate(focused) == before
    assert page.locator("#train-tab-button").get_attribute("data-news") == "v1 is ready"
    card, pair = (page.locator(each).bounding_box() for each in (ON_LABEL, "#stage .board .pair"))
    assert card["y"] + card["height"] <= pair["y"]

    # From the head of the card to its slider, and on to its buttons, by keyboard alone.
    page.locator(f"{ON_LABEL} [data-fold]").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    split = "document.querySelector('.before-after').style.getPropertyValue('--split')"
    assert page.evaluate(split) == "0%"
    for _ in PROMPTS:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(ON_LABEL).get_by_text("New pairs are rendered by v1").wait_for(timeout=SLOW_MS)
    assert active(web) == "v1"
    assert page.locator("#train-tab-button[data-news]").count() == 0
    assert not page.locator("#stage .see-change").is_visible()

    # A vote folds it; closed, it stays away from Label, and folded on Train.
    stage.press("ArrowLeft")
    page.locator(f"{ON_LABEL}[data-folded]").wait_for(timeout=SLOW_MS)
    page.locator(f"{ON_LABEL} [data-close]").click()
    page.reload()
    stage.wait_for_pair()
    assert page.locator("#train-tab-button[data-news]").count() == 0
    page.locator("#train-tab-button").click()
    page.locator(f"{ON_TRAIN}[data-folded]").wait_for(timeout=SLOW_MS)
    assert not page.locator(ON_LABEL).is_visible()
    assert problems == []


def test_a_version_that_hardly_moved_is_shown_stronger(web: Web, url: str, page: Any) -> None:
    run(web, HARDLY)
    version = web.place.studio.versions()[-1]["version"]
    page.goto(url)
    page.locator(f"{ON_LABEL} [data-link]").click(timeout=SLOW_MS)
    page.locator("#columns .token", has_text=f"{version}@1.5").wait_for(timeout=SLOW_MS)
    loaded = "[...document.querySelectorAll('#board img')].filter(i => i.naturalWidth).length"
    page.wait_for_function(f"{loaded} === {3 * len(PROMPTS)}", timeout=SLOW_MS)
    assert page.locator("#compare-prompts textarea").input_value().split("\n")[2] == "the sea"


def test_a_version_that_is_held_back_is_left_alone_or_tested_blind(
    web: Web, url: str, page: Any
) -> None:
    run(web, WORSE)
    used = active(web)
    page.goto(url)
    card = page.locator(ON_LABEL)
    card.get_by_text("Its images lost variety.").wait_for(timeout=SLOW_MS)
    # What renders pairs is kept, whatever the run started from.
    kept = "the base" if used == "base" else used
    card.get_by_role("button", name=f"Keep {kept}").click()
    card.wait_for(state="hidden", timeout=SLOW_MS)
    assert active(web) == used

    run(web, HELPED)
    version = web.place.studio.versions()[-1]["version"]
    card.wait_for(timeout=SLOW_MS)
    in_a_test = "hidden => { document.querySelector('#stage .blind-test').hidden = hidden; }"
    page.evaluate(in_a_test, False)
    assert not card.is_visible(), "it shows what the sides look like"
    page.evaluate(in_a_test, True)
    card.get_by_role("button", name="Test it blind").click(timeout=SLOW_MS)
    page.locator("#start-blind-test:focus").wait_for(timeout=SLOW_MS)
    assert page.locator("#blind-test-after input").input_value() == version


def test_whoever_wants_to_be_told_says_so_beside_the_run(web: Web, url: str, page: Any) -> None:
    page.context.grant_permissions(["notifications"])
    web.place.label(1)
    run_id = web.place.studio.fine_tune({"steps": 100_000})["run_id"]
    page.goto(url)
    page.locator("#train-tab-button").click(timeout=SLOW_MS)
    page.locator("#tell-me").click(timeout=SLOW_MS)
    page.locator("#tell-me", has_text="You will be told when it is done").wait_for(timeout=SLOW_MS)
    web.place.studio.cancel_run(run_id)
    page.locator("#tell-me").wait_for(state="hidden", timeout=SLOW_MS)
