"""Which is an image? One of each reading, a click, and the studio goes on with what was chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from annotate_doubles import PaintingSampler, small_model
from places import Open, Place

from align.contracts.models import ModelInfo
from annotate.errors import InvalidRequest

UNSURE = replace(small_model(), unsure=("prediction",))


class AskedSampler(PaintingSampler):
    """Keeps what it was asked to render with."""

    def __init__(self, images_dir: Path) -> None:
        super().__init__(images_dir)
        self.asked: list[Any] = []

    def render(self, items: Any, adapters: Any, settings: Any, *rest: Any, **named: Any) -> Any:
        self.asked += [settings]
        return super().render(items, adapters, settings, *rest, **named)


class OneModel:
    """Opens the same model anew, with a sampler of its own."""

    def __init__(self, images_dir: Path) -> None:
        self.opened: list[ModelInfo] = []
        self._images_dir = images_dir

    def new_sampler(self, model: ModelInfo) -> PaintingSampler:
        self.opened.append(model)
        return PaintingSampler(self._images_dir)

    def remember(self, model: ModelInfo, prediction: str | None = None) -> None:
        """Nothing is kept between starts."""


@pytest.fixture
def models(tmp_path: Path) -> OneModel:
    return OneModel(tmp_path / "studio" / "images")


@pytest.fixture
def place(open_place: Open, models: OneModel) -> Place:
    return open_place(AskedSampler, model=UNSURE, models=models)


def test_one_image_of_each_reading_is_rendered_of_the_same_prompt_and_seed(place: Place) -> None:
    view = place.studio.readings.render("a red apple", 3)
    assert [each["name"] for each in view["readings"]] == ["epsilon", "v_prediction"]
    asked = [settings for settings in place.sampler.asked if settings.prediction]
    assert [(each.prediction, each.zero_terminal_snr) for each in asked] == [
        ("epsilon", False),
        ("v_prediction", True),
    ]
    recipes = []
    for each in view["readings"]:
        image_id = str(each["url"]).removeprefix("img/").removesuffix(".png")
        assert place.studio.image_file(image_id)
        recipes.append(place.store.image(image_id).recipe)
    assert [recipe["prediction"] for recipe in recipes] == ["epsilon", "v_prediction"]
    assert [recipe["prompt"] for recipe in recipes] == ["a red apple"] * 2


def test_a_choice_opens_the_model_so_and_is_remembered_for_it(
    place: Place, models: OneModel, open_place: Open
) -> None:
    assert place.studio.readings.choose("v_prediction", "ada")["readings"] == []
    (opened,) = models.opened
    assert (opened.prediction, opened.zero_terminal_snr, opened.unsure) == (
        "v_prediction",
        True,
        (),
    )
    assert place.studio.readings.view()["readings"] == []
    place.close()

    again = open_place(model=UNSURE, models=models)
    assert again.studio.models.current()["prediction"] == "v_prediction"
    assert again.studio.readings.view()["readings"] == []


def test_few_steps_are_a_reading_too(open_place: Open, models: OneModel) -> None:
    place = open_place(AskedSampler, model=replace(UNSURE, unsure=("steps",)), models=models)
    view = place.studio.readings.render("a red apple", 3)
    assert [each["name"] for each in view["readings"]] == ["many steps", "few steps"]
    asked = {(each.steps, each.guidance) for each in place.sampler.asked}
    assert {(2, 4.0), (4, 1.0)} <= asked
    place.studio.readings.choose("few steps", "ada")
    assert (models.opened[0].steps, models.opened[0].guidance) == (4, 1.0)


def test_what_cannot_be_chosen_is_refused(place: Place, open_place: Open) -> None:
    with pytest.raises(InvalidRequest, match=r"'sepia' is no reading.*epsilon, v_prediction"):
        place.studio.readings.choose("sepia", "ada")
    place.close()
    known = open_place()
    assert known.studio.readings.view()["readings"] == []
    for call in (
        lambda: known.studio.readings.render("a cat", 1),
        lambda: known.studio.readings.choose("epsilon", "ada"),
    ):
        with pytest.raises(InvalidRequest, match="nothing to choose between"):
            call()
