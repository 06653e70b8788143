"""Images of prompts, from the command line or from Python."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from align.contracts.rendering import RenderItem
from align.errors import InvalidSettings
from align.sampling.image_sampler import render_settings
from align.sampling.render import render_latents
from align.sampling.to_folder import contact_sheet, parse_seeds, sample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


@pytest.mark.parametrize(
    ("text", "seeds"), [("7", [7]), ("1-3", [1, 2, 3]), ("5, 1-2,5", [5, 1, 2])]
)
def test_seeds_are_read_as_written(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "3-1", "1-", "-1", "0-99999", "99999999999"])
def test_seeds_that_are_unclear_are_refused(text):
    with pytest.raises(InvalidSettings, match="Write them like"):
        parse_seeds(text)


def test_a_folder_gets_images_their_prompts_and_a_sheet(tmp_path, compute):
    told = []
    files = sample(
        tmp_path / "out",
        ["a cat", "a DOG: running!"],
        [1, 2],
        compute=compute,
        on_image=lambda done, of: told.append((done, of)),
    )
    assert [file.name for file in files] == [
        "000-a-cat-seed-1.png",
        "000-a-cat-seed-2.png",
        "001-a-dog-running-seed-1.png",
        "001-a-dog-running-seed-2.png",
    ]
    assert files[3].with_suffix(".txt").read_text() == "a DOG: running!"
    assert told[-1] == (4, 4)
    with Image.open(tmp_path / "out" / "grid.png") as sheet:
        assert sheet.size == (512, 512)


def test_a_sheet_has_a_row_for_each_prompt(tmp_path):
    files = []
    for number, colour in enumerate(["red", "green", "blue", "white"]):
        files.append(tmp_path / f"{number}.png")
        Image.new("RGB", (30, 30), colour).save(files[-1])
    sheet = contact_sheet(files, columns=2, side=10)
    assert [sheet.getpixel(spot) for spot in [(5, 5), (15, 5), (5, 15)]] == [
        (255, 0, 0),
        (0, 128, 0),
        (0, 0, 255),
    ]


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(InvalidSettings, match="at least one prompt"):
        sample(tmp_path, [], [1])


def test_the_defaults_end_where_many_more_steps_end(pipeline, model, compute):
    items = [RenderItem(prompt, 3) for prompt in ("a cat face", "a pizza", "a red car", "a tulip")]

    def latents(steps):
        settings = replace(render_settings(model), steps=steps)
        return render_latents(pipeline, compute, items, settings).float()

    default, half, many = (latents(steps) for steps in (model.steps, model.steps // 2, 60))
    distances = [float((one - many).pow(2).mean().sqrt()) for one in (default, half)]
    assert distances[0] < 0.25
    assert distances[0] < distances[1] / 1.5
