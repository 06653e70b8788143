"""A real app and a real Chromium; without Chromium or Playwright the tests are skipped.

The page is the same for every model, so that one that renders fast is on it; where images are
looked at, one that renders well.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journeys import Stage
from running import App

REQUIRED = "PALATE_REQUIRE_BROWSER"
"""Set where a skipped browser test would hide a broken page."""
MOST_TOLD = 4000
"""Characters of a page or a log that are shown with a failure."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM)), None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[Any]:
    """Beside what failed, say what the page showed and what the app had logged."""
    report = yield
    if report.failed and call.when == "call":
        for name, told in told_by(item.funcargs):
            report.sections.append((name, told[-MOST_TOLD:]))
    return report


def told_by(fixtures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in {"app", "shared_app"} & fixtures.keys():
        yield f"{name}'s log", fixtures[name].log.read_text(errors="replace")
    if page := fixtures.get("page"):
        try:
            yield f"page {page.url}", page.locator("body").inner_text(timeout=5000)
        except Exception as gone:
            yield "page", f"It cannot be read: {gone}"


# Of this folder, not of the session: after its last test, Chromium and the app are in nobody's way.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = find_chromium()
    if path is None:
        missing = "Chromium is not installed (set CHROMIUM to its path)"
        pytest.fail(missing) if os.environ.get(REQUIRED) else pytest.skip(missing)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture
def stage(page: Any) -> Stage:
    return Stage(page)


@pytest.fixture(scope="package")
def shared_app(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for every test that does no harm to it; votes of other tests may be there."""
    yield from running(tmp_path_factory.mktemp("shared"), "emoji-fast")


@pytest.fixture(scope="module")
def app(
    chromium: Any, small_model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """An app of the tests' own, to kill at will and to start again."""
    yield from running(tmp_path_factory.mktemp("own"), str(small_model_folder))


def running(folder: Path, model: str) -> Iterator[App]:
    app = App(folder / "studio", "--train-every", "0", "--model", model)
    app.start()
    yield app
    app.stop()
