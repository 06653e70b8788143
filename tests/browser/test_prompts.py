"""Prompts are asked for on the stage, listed in Settings, and dropped on the page as files."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import pytest
from journeys import SLOW_MS, open_setting
from running import App

sys.path.append(str(Path(__file__).parents[1] / "annotate"))
from image_files_made import a1111

pytestmark = pytest.mark.browser

DROP = """([files]) => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new DragEvent("dragover", how));
  return document.body.dispatchEvent(new DragEvent("drop", how));
}"""


def drop(page: Any, files: dict[str, bytes]) -> bool:
    """Drop files on the page, and return whether the browser would have opened them."""
    sent = [[name, base64.b64encode(content).decode()] for name, content in files.items()]
    return bool(page.evaluate(DROP, [sent]))


def test_prompts_come_next_are_listed_and_are_dropped_as_files(
    app: App, page: Any, tmp_path: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(app.url)
    shown = page.locator("#stage .prompt")
    page.locator("#stage .pair .frame img").first.wait_for(timeout=SLOW_MS)

    page.keyboard.press("m")
    page.get_by_text("4 more of this prompt are coming.").wait_for(timeout=SLOW_MS)
    page.keyboard.press("n")
    page.keyboard.type("a green yak")
    page.keyboard.press("Enter")
    page.get_by_text("Next, once it is rendered: a green yak").wait_for(timeout=SLOW_MS)
    for _ in range(40):
        if shown.inner_text() == "a green yak":
            break
        page.keyboard.press("s")
        page.wait_for_timeout(250)
    assert shown.inner_text() == "a green yak"

    assert not drop(page, {"film.mp4": b"x"})
    page.get_by_text("film.mp4 cannot be used.").wait_for(timeout=SLOW_MS)
    page.locator("[data-drop=close]").click()
    assert not drop(page, {"moods.txt": b"a teal fox\na teal hen"})
    page.get_by_text("Add 2 prompts from moods.txt?").wait_for(timeout=SLOW_MS)
    page.locator("[data-drop=add]").click()
    page.get_by_text("2 added").wait_for(timeout=SLOW_MS)
    page.locator("[data-drop=close]").click()

    open_setting(page, "prompts")
    prompts = page.locator("#prompt-list")
    prompts.get_by_placeholder("Search").fill("teal hen")
    row = prompts.locator("li", has_text="a teal hen")
    row.wait_for(timeout=SLOW_MS)
    row.get_by_text("Remove", exact=True).click()
    prompts.get_by_text("Removed (1)").click()
    row.get_by_text("Use again").click(timeout=SLOW_MS)
    prompts.get_by_text("Removed (0)").wait_for(timeout=SLOW_MS)

    images = {}
    for seed in range(3):
        a1111(tmp_path / f"{seed}.png", "portrait of a red fox,", seed)
        images[f"fox {seed}.png"] = (tmp_path / f"{seed}.png").read_bytes()
    assert not drop(page, images)
    preview = page.locator("#import-result .preview")
    preview.wait_for(timeout=SLOW_MS)
    assert "3" in preview.inner_text() and "portrait of a red fox" in preview.inner_text()
    page.locator("#cancel-import").click()
    assert not problems
