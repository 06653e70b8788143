"""Ways to take a model whose file does not tell what it predicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from align.contracts.models import ModelInfo
from align.contracts.readings import Reading, readings_of, restored, stored, with_reading

KNOWN = ModelInfo("xl", "xl.safetensors", "sdxl-1", "sdxl")
UNSURE = replace(KNOWN, unsure=("prediction",))
STEPS = replace(KNOWN, unsure=("steps",))
BOTH = replace(KNOWN, unsure=("prediction", "steps"))


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (KNOWN, []),
        (UNSURE, ["epsilon", "v_prediction"]),
        (replace(UNSURE, prediction="v_prediction"), ["v_prediction", "epsilon"]),
        (STEPS, ["many steps", "few steps"]),
        (BOTH, ["epsilon, many steps", "v_prediction, many steps",
                "epsilon, few steps", "v_prediction, few steps"]),
    ],
)  # fmt: skip
def test_a_model_can_be_read_in_every_way_that_its_file_leaves_open(model, names):
    readings = readings_of(model)
    assert [reading.name for reading in readings] == names
    assert len({reading.title for reading in readings}) == len(names)


def test_a_reading_says_all_that_follows_from_it():
    velocity = with_reading(UNSURE, Reading("v_prediction", zero_terminal_snr=True))
    assert (velocity.prediction, velocity.zero_terminal_snr) == ("v_prediction", True)
    assert (velocity.preset, velocity.unsure) == ("sdxl-v", ())
    noise = with_reading(UNSURE, Reading("epsilon"))
    assert (noise.prediction, noise.preset, noise.unsure) == ("epsilon", "sdxl", ())
    small = with_reading(replace(UNSURE, preset="embedded"), Reading("v_prediction"))
    assert small.preset == "embedded"


def test_few_steps_go_without_guidance_and_the_other_reading_leaves_settings_alone():
    few = with_reading(BOTH, Reading(few_steps=True))
    assert (few.steps, few.guidance, few.scheduler) == (4, 1.0, "Euler a SGM Uniform")
    assert few.unsure == ("prediction",)
    assert with_reading(STEPS, Reading(few_steps=False)) == KNOWN


def test_a_choice_is_kept_as_far_as_the_model_is_still_unsure():
    choice = stored(Reading("v_prediction", True, few_steps=True))
    assert restored(UNSURE, choice) == with_reading(UNSURE, Reading("v_prediction", True))
    # Named on the command line meanwhile.
    named = replace(KNOWN, prediction="epsilon")
    assert restored(named, choice) == named
    assert restored(UNSURE, None) == UNSURE
