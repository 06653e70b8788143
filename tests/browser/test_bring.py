"""A folder is previewed on the page, and imported only when a person says so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from journeys import SLOW_MS, open_setting
from running import App

sys.path.append(str(Path(__file__).parents[1] / "annotate"))
from image_files_made import a1111, comfy, save_png, scene

pytestmark = pytest.mark.browser

WORK_MS = 120_000
BOLD = "a <b>bold</b> fox & a hen"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prompts from programs, a text file each and folders, roles among them."""
    for seed in range(12):
        a1111(tmp_path / f"{seed:05}.png", f"a lighthouse at dawn, number {seed % 4}", seed)
    for seed in range(20, 24):
        comfy(tmp_path / f"ComfyUI_{seed:05}_.png", "a frog on a leaf " * 12, seed)
    for seed in range(40, 42):
        save_png(tmp_path / f"{seed}.png", scene(seed))
        (tmp_path / f"{seed}.txt").write_text(BOLD, "utf-8")
    for seed, role in enumerate(("chosen", "rejected")):
        save_png(tmp_path / "a red fox" / role / "1.png", scene(50 + seed))
    save_png(tmp_path / "IMG_0001.png", scene(60))
    (tmp_path / "empty.png").touch()
    return tmp_path


def test_a_person_sees_ten_prompts_before_anything_is_brought_in(
    app: App,
    page: Any,
    folder: Path,  # its own: imported pairs are handed out before others
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(app.url)
    open_setting(page, "import-section")
    page.locator("#import-folder input, #import-folder textarea").fill(str(folder))
    page.locator("#preview-import").click()

    card = page.locator("#import-result .preview")
    card.wait_for(timeout=WORK_MS)
    text = card.inner_text()
    assert "12 from AUTOMATIC1111, 4 from ComfyUI, 2 from text files, 2 from folder names" in text
    assert "1 skipped: no prompt found (IMG_0001.png)" in text
    examples = card.locator(".examples li")
    assert examples.count() == 7 and examples.locator("img").count() == 7
    assert BOLD in text and "a red fox" in text and "chosen" not in text

    page.locator("#cancel-import").click()
    card.wait_for(state="detached", timeout=SLOW_MS)
    page.locator("#import-images").wait_for(state="hidden", timeout=SLOW_MS)
    told = app.client().predict(str(folder), api_name="/preview_import")
    assert (told["images"], told["known"], told["pairs"]) == (20, 0, 20)

    page.locator("#import-folder input, #import-folder textarea").press("Enter")
    page.get_by_role("button", name="Import 20 images").click(timeout=WORK_MS)
    page.locator("#import-result .notice", has_text="Ready to label").wait_for(timeout=WORK_MS)
    assert "20 images and 7 prompts" in page.locator("#import-result").inner_text()
    page.locator("#import-images").wait_for(state="hidden", timeout=SLOW_MS)
    assert problems == []
