from __future__ import annotations

from dataclasses import replace

import pytest

from align.client.config import PRESETS, configure, plan
from align.errors import InvalidSettings


def test_no_settings_are_the_preset():
    assert configure("embedded", {}) == configure("embedded", "") == PRESETS["embedded"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_is_diffusion_dpo_and_says_so_unless_another_objective_is_chosen(preset):
    assert plan(preset, 100, {})["summary"].startswith("Diffusion-DPO: 88 pairs to learn from")
    assert plan(preset, 100, {"objective": "kto"})["summary"].startswith("Diffusion-KTO: ")


def test_velocities_are_trained_on_at_less_strength_as_their_errors_are_larger():
    noise, velocity = PRESETS["sdxl"], PRESETS["sdxl-v"]
    assert velocity.kappa < noise.kappa / 10
    assert replace(velocity, kappa=noise.kappa) == noise


def test_settings_may_come_as_a_string():
    assert configure("embedded", '{"steps": 7}').steps == 7


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stpes": 3}, "Unknown setting 'stpes'. Known ones: objective, init_from"),
        ({"steps": 0}, "steps must be between 1 and 100000, got 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
        ({"kappa": float("nan")}, "kappa must be a number"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "one JSON object"),
    ],
)
def test_a_bad_setting_gets_a_sentence(settings, sentence):
    with pytest.raises(InvalidSettings, match=sentence.replace("(", r"\(")):
        configure("embedded", settings)


def test_a_plan_says_what_will_run():
    planned = plan("embedded", 100, {"steps": 60}, pairs_per_s=32.0)
    assert (planned["pairs"], planned["held_out"], planned["steps"]) == (100, 12, 60)
    assert planned["beta"] == 2 * planned["kappa"]
    # 60 steps of 8 pairs at 32 a second, and 45 s around them.
    assert planned["minutes"] == 1.0


def test_few_votes_are_all_taught():
    assert plan("embedded", 19, {})["held_out"] == 0


def test_a_plan_counts_in_words_that_fit():
    assert ": 1 pair to learn from, 0 held out; " in plan("embedded", 1, {})["summary"]
    assert ": 2 pairs to learn from, 0 held out; " in plan("embedded", 2, {})["summary"]


def test_a_plan_and_its_sentence_expect_the_same_time():
    assert plan("embedded", 12, {"steps": 20}, pairs_per_s=320.0)["minutes"] < 1
    quick = plan("embedded", 12, {"steps": 20}, pairs_per_s=320.0)["summary"]
    assert quick.endswith("; less than a minute.")
    assert plan("embedded", 100, {"steps": 60}, pairs_per_s=32.0)["summary"].endswith(
        "about 1 min."
    )
