"""From votes to a version that is active, to a comparison, and to the verdict of a blind test."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from journeys import SLOW_MS, Stage
from PIL import Image
from running import App, wait_for

pytestmark = pytest.mark.browser

RUN_MS = 300_000
VOTES = 12
SETTLING = 8
"""Votes for one side that settle a verdict."""
LOADED = (
    "count => [...document.querySelectorAll('#board img')]"
    ".filter(image => image.naturalWidth).length === count"
)


def test_a_person_fine_tunes_compares_judges_blind_and_goes_back(
    shared_app: App, page: Any, stage: Stage, tmp_path: Path
) -> None:
    stage.open(shared_app.url)
    saved = stage.saved()
    for turn in range(VOTES):
        stage.press("ArrowLeft" if turn % 2 else "ArrowRight")
    stage.wait_until_saved(saved + VOTES)

    fine_tune(page)
    # Other tests may have made versions before.
    made = shared_app.client().predict(api_name="/versions")[-1]["version"]
    activate(page, made)
    page.locator("#compare-tab-button").click()
    different = compare(page, "a red apple", f"base,{made}")
    assert different[0] != different[1]
    columns = "&".join(f"c={column}" for column in ("base", f"{made}%400", f"{made}%400.5", made))
    page.goto("about:blank")
    page.goto(f"{shared_app.url}#compare&p=a+red+apple&s=7&{columns}&m=grid")
    linked = images(page, f"base,base,{made}@0.5,{made}")
    assert [linked[0], linked[1], linked[3]] == [different[0], different[0], different[1]]
    assert linked[2] not in different
    assert page.locator("#board [aria-pressed=true]").inner_text() == "Grid"

    looks_in_every_way(page)
    with page.expect_download() as sheet:
        page.get_by_role("button", name="Contact sheet").click()
    sheet.value.save_as(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 4 * 128 and image.height > 128
    page.keyboard.press("s")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as page").click()
    saved.value.save_as(tmp_path / "saved.html")
    a_saved_comparison_asks_no_server(page.context.new_page(), tmp_path / "saved.html")

    stage.open(shared_app.url)
    judges_blind_and_goes_back(shared_app, page, stage, made)


def a_saved_comparison_asks_no_server(page: Any, saved: Path) -> None:
    """On a page of its own: what the app's page still asks for is not the saved one's."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(saved.as_uri())
    page.wait_for_function(LOADED, arg=4)
    looks_in_every_way(page)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert asked[0] == saved.as_uri()
    page.close()


def looks_in_every_way(page: Any) -> None:
    """Zoom, swap and subtract on a board: the base twice, a version at half strength, whole."""
    page.keyboard.press("s")
    frames = page.locator("#board [data-column] .frame")
    spot = frames.first.bounding_box()
    page.mouse.move(spot["x"] + spot["width"] * 0.9, spot["y"] + spot["height"] * 0.9)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    moved = [place_of(page, column) for column in range(4)]
    assert moved[0][0] < -0.5 and moved[0] == moved[1] == moved[2] == moved[3]
    page.keyboard.press("Escape")
    assert place_of(page, 3) == (0, 0)

    page.keyboard.press("f")
    page.locator("#board select").nth(1).select_option("3")
    assert [opacity(page, 0), opacity(page, 3)] == ["1", "0"]
    page.keyboard.down(" ")
    assert [opacity(page, 0), opacity(page, 3)] == ["0", "1"]
    page.keyboard.up(" ")
    assert [opacity(page, 0), opacity(page, 3)] == ["1", "0"]

    page.keyboard.press("d")
    told = page.locator("#board .map em")
    told.filter(has_text=re.compile(r"^differs by \d+\.\d+ %$")).wait_for(timeout=SLOW_MS)
    page.locator("#board select").nth(1).select_option("1")
    told.filter(has_text=re.compile("^equal$")).wait_for(timeout=SLOW_MS)


def place_of(page: Any, column: int) -> tuple[float, float]:
    """Return how far an image is moved against its frame, in shares of the frame."""
    script = """column => {
        const frame = document.querySelector(`#board [data-column="${column}"] .frame`);
        const [box, image] = [frame, frame.firstChild].map((e) => e.getBoundingClientRect());
        return ["x", "y"].map((side) => (image[side] - box[side]) / box.width);
    }"""
    x, y = page.evaluate(script, column)
    return round(x, 3), round(y, 3)


def opacity(page: Any, column: int) -> str:
    script = "c => getComputedStyle(document.querySelector(`#board [data-column='${c}']`)).opacity"
    return str(page.evaluate(script, column))


def judges_blind_and_goes_back(app: App, page: Any, stage: Stage, made: str) -> None:
    """From a blind test to its verdict, and from the version back to the base."""
    page.locator("#judge-tab-button").click()
    page.locator("#start-blind-test:not([disabled])").click(timeout=SLOW_MS)
    page.locator("#blind-tests [data-action=vote]").click(timeout=SLOW_MS)
    page.locator("#stage .blind-test").wait_for(timeout=SLOW_MS)
    for _ in range(SETTLING):
        stage.wait_for_pair()
        stage.press(side_of(app, page, made))
    page.locator("#stage .blind-test", has_text="outcome is clear").wait_for(timeout=SLOW_MS)
    page.locator("#stage [data-action=blind-test]").click()
    verdict = page.locator("#blind-tests .outcome.good")
    verdict.wait_for(timeout=SLOW_MS)
    assert f"{made} is better than base" in verdict.inner_text()
    page.locator("#blind-tests [data-action=back]").click()
    page.locator("#blind-tests [data-action=use]").wait_for(timeout=SLOW_MS)
    assert app.client().predict(api_name="/versions")[0]["active"]

    page.locator("#label-tab-button").click()
    page.locator("#stage [data-action=leave]").click()
    page.locator("#stage .blind-test").wait_for(state="hidden", timeout=SLOW_MS)
    restored = ["base", "base"]
    wait_for(lambda: versions_on_stage(app, page) == restored, "a pair of the restored version")


def side_of(app: App, page: Any, version: str) -> str:
    """The key of the side that a version drew, which nobody can see."""
    return "ArrowLeft" if versions_on_stage(app, page)[0] == version else "ArrowRight"


def versions_on_stage(app: App, page: Any) -> list[str]:
    """Return the versions that rendered the images on the stage, by a copy of the database."""
    sources = page.locator("#stage .frame img").evaluate_all("all => all.map(one => one.src)")
    ids = [source.rsplit("/", 1)[1].removesuffix(".png") for source in sources]
    known = wait_for(lambda: copied_images(app, ids), "the images in the database", 30)
    return [known[image_id] for image_id in ids]


def copied_images(app: App, wanted: list[str]) -> dict[str, str]:
    """The version of every image; nothing where the app wrote while its files were copied."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            for file in app.home.glob("palate.duckdb*"):
                shutil.copy(file, folder)
            with duckdb.connect(str(Path(folder) / "palate.duckdb")) as copied:
                rows = copied.execute("SELECT image_id, version FROM images").fetchall()
        except (OSError, duckdb.Error):
            return {}
    known = dict(rows)
    return known if known.keys() >= set(wanted) else {}


def fine_tune(page: Any) -> None:
    page.locator("#train-tab-button").click()
    page.get_by_text("More settings").click()
    page.get_by_text("Settings as JSON").click()
    page.locator("#settings textarea").fill('{"steps": 4, "check_prompts": 1}')
    # A vote counts ten seconds after it was given, so the plan may not be there at once.
    page.locator("#plan .facts").wait_for(timeout=SLOW_MS)
    page.locator("#fine-tune:not([disabled])").click(timeout=SLOW_MS)
    page.locator("#run [data-state=running], #run [data-state=done]").wait_for(timeout=SLOW_MS)
    page.locator("#run [data-state=done]").wait_for(timeout=RUN_MS)
    assert page.locator("#run .outcome").inner_text()
    assert "from its base" in page.locator("#run .moved").inner_text()


def activate(page: Any, version: str) -> None:
    page.locator("#train-tab-button").click()
    page.locator(f"#versions [data-version={version}]").click(timeout=SLOW_MS)
    page.locator("#make-active:not([disabled])").click(timeout=SLOW_MS)
    page.locator(f"#versions [data-version={version}] .active").wait_for(timeout=SLOW_MS)


def compare(page: Any, prompt: str, columns: str) -> list[str]:
    """Compare the versions that are offered on one seed; return where the images are."""
    page.locator("#compare-prompts textarea").fill(prompt)
    page.locator("#seeds input, #seeds textarea").fill("7")
    page.locator("#start-compare:not([disabled])").click(timeout=SLOW_MS)
    return images(page, columns)


def images(page: Any, columns: str) -> list[str]:
    """Wait for one comparison with these columns; return where its images are."""
    page.wait_for_function(
        "wanted => [...document.querySelectorAll('#board [data-column] em')]"
        ".map(label => label.textContent).join() === wanted",
        arg=columns,
        timeout=RUN_MS,
    )
    page.wait_for_function(LOADED, arg=columns.count(",") + 1, timeout=RUN_MS)
    found = page.locator("#board img")
    return [str(found.nth(side).get_attribute("src")) for side in range(found.count())]
