"""Votes of other tools are dropped on the page, previewed, brought in, written out and removed."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from journeys import SLOW_MS
from running import App
from votes_of_others import pickapic, two_texts

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


def test_votes_of_another_tool_come_in_are_offered_to_runs_go_out_and_are_removed(
    app: App, page: Any, tmp_path: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(app.url)
    page.locator("#stage .pair .frame img").first.wait_for(timeout=SLOW_MS)

    # Dropped anywhere on the page, a Parquet file is previewed in Settings.
    content = base64.b64encode(pickapic(tmp_path / "votes.parquet").read_bytes()).decode()
    assert not page.evaluate(DROP, [[["votes.parquet", content]]])
    data = page.locator("#data")
    card = data.locator(".data-preview")
    card.get_by_text("9 choices, 3 ties").wait_for(timeout=SLOW_MS)
    assert card.locator(".data-examples li").count() == 10
    assert card.locator(".data-examples img").count() == 20
    data.get_by_label("Name of the source").fill("pickapic")
    data.get_by_role("button", name="Bring in 12 votes").click()
    source = data.locator("[data-source=pickapic]")
    source.get_by_text("9 choices, 3 ties on 24 images").wait_for(timeout=SLOW_MS)

    # Named on the server, with a column that was guessed and is corrected.
    path = data.get_by_label("Or a file or folder")
    path.fill("/no/such/file")
    path.press("Enter")
    data.get_by_text("There is no '/no/such/file'").wait_for(timeout=SLOW_MS)
    path.fill(str(two_texts(tmp_path / "hens.parquet")))
    path.press("Enter")
    card.get_by_text("a hen 0").first.wait_for(timeout=SLOW_MS)
    data.locator(".data-mapping select[name=prompt]").select_option("other")
    data.get_by_role("button", name="Preview with these columns").click()
    card.get_by_text("a yak 0").first.wait_for(timeout=SLOW_MS)
    data.get_by_role("button", name="Bring in 3 votes").click()
    hens = data.locator("[data-source=hens]")
    hens.get_by_text("3 choices on 6 images").wait_for(timeout=SLOW_MS)

    hens.get_by_role("button", name="Remove hens").click()
    hens.get_by_text("Remove 3 votes?").wait_for(timeout=SLOW_MS)
    hens.locator("[data-act=remove]").click()
    hens.wait_for(state="detached", timeout=SLOW_MS)

    data.get_by_label("Whose choices").select_option("all")
    data.get_by_label("Folder to write into").fill(str(tmp_path / "out"))
    data.get_by_role("button", name="Export", exact=True).click()
    data.get_by_text("Written, read back and compared").wait_for(timeout=SLOW_MS)
    assert any((tmp_path / "out").rglob("*.parquet"))
    with page.expect_download() as download:
        data.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "out.zip"

    page.locator("#train-tab-button").click()
    page.get_by_text("pickapic").first.wait_for(state="attached", timeout=SLOW_MS)
    names = {each["name"] for each in app.client().predict(api_name="/sources")}
    assert names == {"pickapic"} and not problems
