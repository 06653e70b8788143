"""The stage fits into one screen: rectangles at the sizes of laptops, a desktop and two phones."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from journeys import SLOW_MS, Stage
from PIL import Image
from running import App

pytestmark = pytest.mark.browser

DESKTOPS = ((1366, 650), (1440, 789), (1920, 947))
PHONES = ((390, 664), (360, 640))
SHAPES = {"square": (1024, 1024), "portrait": (832, 1216), "landscape": (1216, 832)}
MEASURE = """() => {
  const boxes = (selector) => [...document.querySelectorAll(`#stage ${selector}`)]
    .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map((one) => {
      const { left, top, right, bottom } = one.getBoundingClientRect();
      return { left, top, right, bottom };
    })
    .filter(({ left, right }) => right > left);
  const page = document.documentElement;
  return {
    shape: document.querySelector('#stage .stage').dataset.shape,
    scrolls: page.scrollHeight > innerHeight || page.scrollWidth > innerWidth,
    question: boxes('.board :is(.asks, .question)'), prompt: boxes('.board .prompt'),
    images: boxes('.board .frame'), room: boxes('.board .images'),
    verdicts: boxes('.board .verdict'), blind: boxes('.blind-test .verdict'),
    strip: boxes('.annotations'), toast: boxes('.note'), tools: boxes('.tools-button'),
  };
}"""
HEAD = """words => {
  document.querySelector('#masthead [data-palate-status]').textContent = words;
  document.querySelector('.machine-model').textContent = 'juggernautXL_v9RunDiffusionPhoto2';
  const shown = [...document.querySelectorAll('#tabs button[role=tab]'),
    ...document.querySelectorAll('#masthead :is([data-palate-status], .machine)')];
  return shown.map((one) => one.getBoundingClientRect().toJSON())
    .filter((box) => box.width).slice(-3);
}"""
Measured = dict[str, Any]


@pytest.fixture
def shaped(page: Any) -> Iterator[None]:
    """Images of one shape after the other, as large as SDXL's: no small model renders them."""
    contents = [png(*size) for size in SHAPES.values()]
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        content = contents[(len(asked) - 1) // 2 % len(contents)]
        route.fulfill(body=content, content_type="image/png")

    page.route("**/img/*", answer)
    yield
    page.unroute("**/img/*")


def png(width: int, height: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height), (120, 150, 170)).save(content, "PNG")
    return content.getvalue()


def measure(page: Any, size: tuple[int, int]) -> Measured:
    """Measure the stage in a window of this size, of which nothing may be out of sight."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    found: Measured = page.evaluate(MEASURE)
    assert not found["scrolls"], size
    for name in ("question", "prompt", "images", "verdicts", "tools", "strip", "toast"):
        for box in found[name]:
            inside = box["left"] >= 0 and box["right"] <= width and box["bottom"] <= height
            assert inside and box["top"] >= 0, (size, found["shape"], name, box)
    assert found["question"] and found["prompt"] and found["tools"], size
    for image in found["images"]:
        for name in ("question", "prompt", "verdicts", "strip"):
            for box in found[name]:
                assert not overlap(image, box), (size, found["shape"], name)
    return found


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    return (
        min(one["right"], other["right"]) - max(one["left"], other["left"]) > 0.5
        and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 0.5
    )


ABOUT = """voted => JSON.stringify(voted) ===
    JSON.stringify([...document.querySelectorAll('#stage .about img')].map((one) => one.src))"""


def sources(page: Any, around: str) -> list[str]:
    images = page.locator(f"#stage {around} img")
    return [str(source) for source in images.evaluate_all("all => all.map((one) => one.src)")]


def share_of(found: Measured, size: tuple[int, int]) -> float:
    """Return the share of the window that the images take."""
    areas = [(box["right"] - box["left"]) * (box["bottom"] - box["top"]) for box in found["images"]]
    return sum(areas) / (size[0] * size[1])


def test_two_images_their_question_and_the_verdicts_are_in_sight_at_every_size(
    shared_app: App, page: Any, stage: Stage, shaped: None
) -> None:
    stage.open(shared_app.url)
    before = {size: measure(page, size)["room"] for size in DESKTOPS}
    seen = set()
    for _ in SHAPES:
        voted = sources(page, ".board .frame")
        stage.press("ArrowLeft")
        page.locator("#stage .annotations:not([data-idle])").wait_for()
        # The strip comes after the next pair is painted, and shows the pair that it is about.
        page.wait_for_function(ABOUT, arg=voted, timeout=SLOW_MS)

        for size in DESKTOPS:
            found = measure(page, size)
            assert found["room"] == before[size], "a vote moves nothing"
            assert len(found["images"]) == 2 and len(found["strip"]) == 1
            assert len({box["top"] for box in found["verdicts"]}) == 1, "one row"
            assert len(found["verdicts"]) == 7
        for size in PHONES:
            found = measure(page, size)
            assert len(found["verdicts"]) == 7
            assert len(found["images"]) == (1 if found["shape"] == "portrait" else 2)
            assert share_of(found, size) >= 0.5, (size, found["shape"])
            seen.add(found["shape"])
    assert seen == set(SHAPES)


def test_the_toast_lies_over_the_images_and_a_card_that_waits_where_they_were(
    shared_app: App, page: Any, stage: Stage, shaped: None
) -> None:
    stage.open(shared_app.url)
    for size in (*DESKTOPS, *PHONES):
        stage.press("ArrowDown")
        page.locator("#stage .note", has_text="Tie.").wait_for()
        found = measure(page, size)
        (toast,), (room,) = found["toast"], found["room"]
        assert overlap(toast, room) and not any(overlap(toast, box) for box in found["verdicts"])
        waiting = page.evaluate(
            """() => {
              const stage = document.querySelector('#stage .stage');
              const box = (selector) => {
                const found = stage.querySelector(selector).getBoundingClientRect();
                return [found.x, found.y, found.width, found.height];
              };
              const shown = box('.board .images');
              stage.dataset.state = 'empty';
              const waits = box('.placeholders');
              stage.dataset.state = 'pair';
              return [shown, waits];
            }"""
        )
        assert waiting[0] == waiting[1], (size, found["shape"])


def test_the_head_stays_in_one_line_beside_a_run_and_a_long_name(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    page.locator("#masthead .machine").wait_for(timeout=SLOW_MS)
    words = "Fine-tuning: 42 %, about 14 min left. Next images in 3 min."
    for width in (1280, 1366, 1440):
        page.set_viewport_size({"width": width, "height": 700})
        tabs, status, machine = page.evaluate(HEAD, words)
        assert tabs["right"] < status["left"] and status["right"] < machine["left"], width
        assert status["height"] < 20 and machine["height"] < 26, width
        assert machine["right"] <= width - 12, width

    page.locator("#masthead .machine").click()
    page.locator("#model button.open").wait_for(timeout=SLOW_MS)


def test_four_images_are_in_a_row_and_two_by_two_on_a_phone(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    page.keyboard.press("4")
    page.locator("#stage .four img").nth(3).wait_for(timeout=60_000)
    for size in (*DESKTOPS, *PHONES):
        found = measure(page, size)
        rows = {round(box["top"]) for box in found["images"]}
        assert (len(found["images"]), len(rows)) == (4, 1 if size in DESKTOPS else 2), size
    page.keyboard.press("Escape")


def test_a_phone_shows_one_portrait_at_a_time_which_a_tap_flips(
    shared_app: App, page: Any, stage: Stage, shaped: None
) -> None:
    page.set_viewport_size({"width": 390, "height": 664})
    stage.open(shared_app.url)
    while page.locator("#stage .stage").get_attribute("data-shape") != "portrait":
        stage.press("ArrowLeft")
    pair = stage.read("pair")
    left, right = page.locator("#stage .pair .image").all()
    assert (left.is_visible(), right.is_visible()) == (True, False)
    left.click()
    assert (left.is_visible(), right.is_visible()) == (False, True)
    assert stage.read("pair") == pair, "a tap is no vote"
    page.locator("#stage .verdicts [data-verdict=right]").click()
    stage.wait_until("pair", f"value !== '' && value !== {pair!r}")


def test_a_small_image_is_enlarged_four_times_at_most(
    shared_app: App, page: Any, stage: Stage
) -> None:
    small = png(64, 64)
    page.route("**/img/*", lambda route: route.fulfill(body=small, content_type="image/png"))
    stage.open(shared_app.url)
    boxes = measure(page, (1440, 789))["images"]
    assert [round(box["right"] - box["left"]) for box in boxes] == [256, 256]


def test_tools_are_behind_one_button_and_keys_go_on_as_before(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    menu = page.locator("#stage .tools-menu")
    assert not menu.is_visible()
    page.locator("#stage .tools-button").click()
    menu.get_by_text("Difference").click()
    page.locator("#stage .overlay-label", has_text="differ by").wait_for()
    assert not menu.is_visible()
    page.keyboard.press("Escape")
    page.locator("#stage .tools-button").click()
    page.keyboard.press("Escape")
    menu.wait_for(state="hidden")
    stage.press("ArrowLeft")


def test_another_question_a_kept_winner_and_a_blind_test_move_nothing(
    shared_app: App, page: Any, stage: Stage
) -> None:
    stage.open(shared_app.url)
    sizes = (*DESKTOPS, *PHONES)
    before = {size: measure(page, size)["room"] for size in sizes}
    page.keyboard.press("k")
    page.locator("#stage .question[data-told]").wait_for()
    assert {size: measure(page, size)["room"] for size in sizes} == before
    page.keyboard.press("k")

    page.evaluate(
        """() => {
          const [line, text] = ['.blind-test', '.blind-test-text'].map(
            (name) => document.querySelector(`#stage ${name}`));
          line.hidden = false;
          text.textContent = 'Blind test of v1 against base · 9 votes · about 4 more votes to go';
        }"""
    )
    for size in sizes:
        found = measure(page, size)
        assert found["room"] == before[size], size
        assert len(found["blind"]) == 2
        for button in found["blind"]:
            assert 0 <= button["left"] and button["right"] <= size[0]
            for other in (*found["tools"], *found["question"], *found["images"]):
                assert not overlap(button, other), size
