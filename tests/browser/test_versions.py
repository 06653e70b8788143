"""A person imports a LoRA, names it, exports it, compares it and deletes it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from journeys import SLOW_MS, WORK_MS, open_setting, send
from running import App
from safetensors.numpy import load_file, save_file

from align.contracts.models import embedded_folder

pytestmark = pytest.mark.browser

MARKUP = "<b>cats</b>"


def small_lora(path: Path) -> Path:
    """A LoRA on one layer of the embedded model, in kohya's names, alpha not its rank."""
    weights = load_file(next((embedded_folder() / "unet").glob("*.safetensors")))
    layer = next(name for name in sorted(weights) if name.endswith("attn1.to_q.weight"))
    out, into = weights[layer].shape
    chance = np.random.default_rng(0)
    name = "lora_unet_" + layer.removesuffix(".weight").replace(".", "_")
    halves = {
        f"{name}.lora_down.weight": chance.normal(size=(2, into)).astype(np.float32),
        f"{name}.lora_up.weight": chance.normal(size=(out, 2)).astype(np.float32),
        f"{name}.alpha": np.array(1.0, dtype=np.float32),
    }
    save_file(halves, path)
    return path


def test_a_lora_from_elsewhere_is_added_named_exported_compared_and_deleted(
    shared_app: App, page: Any, tmp_path: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(shared_app.url)
    page.locator("#train-tab-button").click(timeout=SLOW_MS)
    page.locator("#import-version button", has_text="Import a version").click()

    text = tmp_path / "text.safetensors"
    text.write_bytes(b"no lora at all\n" * 700_000)
    bring(page, text)
    page.get_by_text("text.safetensors is text, not weights").wait_for(timeout=SLOW_MS)

    bring(page, small_lora(tmp_path / "cats.safetensors"))
    leaf = page.locator("#versions [data-version]", has_text="cats.safetensors")
    leaf.wait_for(timeout=WORK_MS)
    version = leaf.get_attribute("data-version")

    # The tree by keyboard: up to another version and back, the details follow.
    leaf.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.locator(f"#versions [aria-current]:not([data-version={version}])").wait_for()
    page.locator("#versions [aria-current]:focus").wait_for(timeout=SLOW_MS)
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.locator(f"#version b:has-text('{version}')").wait_for(timeout=SLOW_MS)

    # Somebody else names it: the tree is drawn anew and the focus stays.
    page.locator("#versions [aria-current]:focus").wait_for(timeout=SLOW_MS)
    shared_app.client().predict(version, "elsewhere", api_name="/rename_version")
    page.locator("#versions [data-version]", has_text="elsewhere").wait_for(timeout=SLOW_MS)
    page.locator(f"#versions [data-version={version}]:focus").wait_for(timeout=SLOW_MS)

    page.locator("#version-name input, #version-name textarea").fill(MARKUP)
    page.locator("#save-version").click()
    page.locator("#versions [data-version]", has_text=MARKUP).wait_for(timeout=SLOW_MS)

    page.locator("#export-version").click()
    with page.expect_download(timeout=WORK_MS) as saved:
        page.locator("#export a.download").click(timeout=WORK_MS)
    saved.value.save_as(tmp_path / "export.safetensors")
    assert len(load_file(tmp_path / "export.safetensors")) == 3

    assert "Sampler" in send(page, tmp_path)
    page.locator("#compare-version").click()
    for chosen in ("base", version):
        page.locator("#columns .token", has_text=chosen).wait_for(timeout=SLOW_MS)
    assert page.locator("#columns .token").count() == 2

    page.locator("#train-tab-button").click()
    page.locator("#delete-version").click()
    page.locator("#confirm-delete button", has_text="Delete its files").click()
    page.locator(f"#versions [data-version={version}].gone").wait_for(timeout=SLOW_MS)
    assert problems == []


def test_the_disk_is_measured_and_shows_what_would_go(shared_app: App, page: Any) -> None:
    page.goto(shared_app.url)
    open_setting(page, "disk")
    page.locator("#usage tbody tr").first.wait_for(timeout=SLOW_MS)
    assert page.locator("#usage tbody tr").count() == 8
    page.locator("#usage [data-kind=images]").click()
    page.locator("#clean-up-preview [role=status]").wait_for(timeout=SLOW_MS)


def bring(page: Any, file: Path) -> None:
    page.locator("#import-path input, #import-path textarea").fill(str(file))
    page.locator("#import:not([disabled])").click(timeout=WORK_MS)


def test_a_comparison_that_is_refused_can_be_asked_for_again(shared_app: App, page: Any) -> None:
    page.goto(shared_app.url)
    page.click("#compare-tab-button")
    page.fill("#compare-prompts textarea", "")
    for _ in range(2):
        page.locator("#start-compare:not([disabled])").click(timeout=SLOW_MS)
        page.get_by_text("Write at least one prompt to compare on.").last.wait_for()
