from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from align.client.config import LEGACY_SETTINGS, PRESETS, configure
from align.client.planning.circumstances import Circumstances
from align.client.planning.plan import plan
from align.client.run_folder import RunFolder
from align.contracts.models import ModelInfo
from align.errors import InvalidSettings
from align.files import write_json


def test_no_settings_are_the_preset():
    assert configure("embedded", {}) == configure("embedded", "") == PRESETS["embedded"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_is_diffusion_dpo_and_says_so_unless_another_objective_is_chosen(preset):
    assert plan(preset, 100, {})["summary"].startswith(
        "Prefer what you chose (Diffusion-DPO): 88 pairs to learn from"
    )
    assert plan(preset, 100, {"objective": "kto"})["summary"].find("(Diffusion-KTO): ") > 0


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
        ({"objective": "robust_dpo"}, "got 'robust_dpo'. Its setting is robust."),
    ],
)
def test_a_bad_setting_gets_a_sentence(settings, sentence):
    with pytest.raises(InvalidSettings, match=sentence.replace("(", r"\(")):
        configure("embedded", settings)


def test_a_plan_says_what_will_run():
    planned = plan("embedded", 100, {"steps": 60}, Circumstances(pairs_per_s=32.0))
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
    assert plan("embedded", 12, {"steps": 20}, Circumstances(pairs_per_s=320.0))["minutes"] < 1
    quick = plan("embedded", 12, {"steps": 20}, Circumstances(pairs_per_s=320.0))["summary"]
    assert quick.endswith("; less than a minute.")
    assert plan("embedded", 100, {"steps": 60}, Circumstances(pairs_per_s=32.0))[
        "summary"
    ].endswith("about 1 min.")


OTHER_VALUES = {
    "init_from": "v3",
    "train_batch_size": 6,
    "micro_batch_size": 3,
    "target_modules": "all",
    "dpop_lambda": 2.5,
    "anchor_fraction": 0.25,
    "noise_samples_per_pair": 5,
    "min_timestep_fraction": 0.3,
    "check_prompts": 2,
    "holdout_fraction": 0.2,
    "num_processes": 2,
}
"""A value of each renamed setting that no preset has."""


@pytest.mark.parametrize(("legacy", "name"), LEGACY_SETTINGS.items())
def test_a_setting_is_taken_by_its_former_name(legacy, name):
    chosen = configure("embedded", {legacy: OTHER_VALUES[name]})
    assert getattr(chosen, name) == OTHER_VALUES[name]
    assert chosen == configure("embedded", json.dumps({name: OTHER_VALUES[name]}))


@pytest.mark.parametrize(("legacy", "name"), LEGACY_SETTINGS.items())
def test_a_setting_under_both_of_its_names_is_refused(legacy, name):
    value = OTHER_VALUES[name]
    sentence = f"^{legacy} is the former name of {name}, and both are given. Keep {name}.$"
    with pytest.raises(InvalidSettings, match=sentence):
        configure("embedded", {legacy: value, name: value})


@pytest.mark.parametrize(("legacy", "name"), LEGACY_SETTINGS.items())
def test_a_run_folder_of_before_is_read_with_the_former_name(tmp_path, legacy, name):
    chosen = replace(PRESETS["embedded"], **{name: OTHER_VALUES[name]})
    before = asdict(chosen)
    before[legacy] = before.pop(name)
    model = asdict(ModelInfo("emoji", "emoji", "emoji-0123456789ab", "embedded"))
    write_json(tmp_path / "config.json", {"format": 1, "model": model, "train": before})
    assert RunFolder(tmp_path).read_config().train == chosen


def test_beta_is_twice_kappa():
    assert configure("sdxl", {"beta": 5000}) == configure("sdxl", {"kappa": 2500})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"beta": 80, "kappa": 40}, "beta is twice kappa, and both are given"),
        ({"beta": "strong"}, "beta must be a number, got 'strong'"),
        ({"beta": 1.0}, "beta must be between 2 and 2e.06, got 1.0"),
    ],
)
def test_a_beta_that_cannot_be_used_gets_a_sentence(settings, sentence):
    with pytest.raises(InvalidSettings, match=sentence):
        configure("embedded", settings)
