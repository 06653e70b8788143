"""A person opens a checkpoint of their own, gives it a look, tunes it on votes and sends it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from journeys import SLOW_MS, WORK_MS, Stage, open_setting, send
from running import App
from test_tune_and_compare import activate, compare, fine_tune

from align.client.models import describe_model
from align.device import Compute
from align.weights.checkpoint_writer import write_checkpoint
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.browser

VOTES = 12


@pytest.fixture
def checkpoints(small_model_folder: Path, tmp_path: Path) -> Path:
    """A folder of checkpoints: one that opens, and one that is none."""
    folder = tmp_path / "checkpoints"
    compute = Compute(torch.device("cpu"), torch.float32, None)
    pipeline = load_pipeline(describe_model(str(small_model_folder)), compute)
    write_checkpoint(pipeline, folder / "mine.safetensors")
    (folder / "page.safetensors").write_text("<html>Please sign in</html>")
    return folder


@pytest.fixture
def own_app(chromium: Any, checkpoints: Path, tmp_path: Path) -> Iterator[App]:
    """An app with another model open, started on that folder."""
    models = ("--model", "emoji-fast", "--models", str(checkpoints))
    app = App(tmp_path / "studio", "--train-every", "0", *models)
    app.start()
    yield app
    app.stop()


def test_a_person_tunes_a_checkpoint_of_their_own_and_sends_the_version(
    own_app: App, page: Any, stage: Stage, tmp_path: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(own_app.url)
    open_setting(page, "look")
    give_steps(page, "2", "Saved")
    open_checkpoint(page)
    # Each model has a look of its own, and the form on the page is that of the one now open.
    summary(page, "The model's own settings.")
    assert page.locator("#look-steps input").input_value() != "2"

    page.locator("#look-negative textarea").fill("blurry")
    give_steps(page, "0", "Not saved", "whole number from 1 to 150, not 0")
    summary(page, "The model's own settings.")
    give_steps(page, "3", "Saved")
    summary(page, "3 steps · guidance 1.7 · 64 x 64 · UniPC · negative “blurry”")

    label(own_app, stage)
    fine_tune(page)
    activate(page, "v1")
    page.locator("#compare-tab-button").click()
    before, after = compare(page, "a red apple", "base,v1")
    assert before != after
    page.locator("#train-tab-button").click()
    note = send(page, tmp_path)
    assert "Base: mine" in note and "Steps: 3" in note and "Negative prompt: blurry" in note
    assert problems == []


def open_checkpoint(page: Any) -> None:
    """Choose a file from the folder, where what is no model says why."""
    page.locator("#model button", has_text="Model").first.click()
    page.locator("#models .refused", has_text="web page").wait_for(timeout=SLOW_MS)
    page.locator("#models li", has_text="mine").locator("[data-model]").click()
    page.locator("#open-model", has_text="mine").wait_for(timeout=WORK_MS)


def give_steps(page: Any, steps: str, *told: str) -> None:
    """Save the look with these steps; the page tells what became of it below the form."""
    page.locator("#look-steps input").fill(steps, timeout=SLOW_MS)
    page.locator("#save-look").click()
    for words in told:
        page.locator("#look-result").get_by_text(words).first.wait_for(timeout=SLOW_MS)


def summary(page: Any, words: str) -> None:
    """Wait until the look says this of itself."""
    page.locator("#look-summary", has_text=words).wait_for(timeout=SLOW_MS)


def label(app: App, stage: Stage) -> None:
    """Vote on pairs of the model that was opened."""
    stage.open(app.url)
    # A reload keeps the tab, which is Settings.
    stage.page.locator("#label-tab-button").click()
    for turn in range(VOTES):
        stage.press("ArrowLeft" if turn % 2 else "ArrowRight")
    stage.wait_until_saved(VOTES)
