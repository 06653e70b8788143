"""Budgets of runs, and what the form of a run's settings is told."""

from dataclasses import fields

import pytest

from align.client.config import PRESETS, TrainConfig, configure
from align.client.planning.setting_fields import setting_fields
from align.errors import InvalidSettings


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("budget", "share"), [("gentle", 0.5), ("normal", 1.0), ("strong", 2.0)])
def test_a_budget_is_half_one_or_twice_steps_and_minutes_and_nothing_else(preset, budget, share):
    own, chosen = PRESETS[preset], configure(preset, {"budget": budget})
    differ = {
        each.name
        for each in fields(TrainConfig)
        if getattr(own, each.name) != getattr(chosen, each.name)
    }
    assert differ <= {"steps", "max_minutes"}
    assert chosen.steps == share * own.steps and chosen.max_minutes == share * own.max_minutes


@pytest.mark.parametrize("besides", ["steps", "max_minutes"])
def test_a_budget_beside_steps_or_minutes_is_refused(besides):
    with pytest.raises(InvalidSettings, match=f"decides on {besides}, and both") as caught:
        configure("sdxl", {"budget": "strong", besides: 20})
    assert caught.value.field == besides


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"rank": 0}, "rank"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"objective": "best"}, "objective"),
        ({"budget": "endless"}, "budget"),
        ({"budget": ["strong"]}, "budget"),
        ({"stpes": 3}, "stpes"),
        ({"init_from": 3}, "init_from"),
    ],
)
def test_an_error_names_the_setting_at_fault(settings, field):
    with pytest.raises(InvalidSettings) as caught:
        configure("embedded", settings)
    assert caught.value.field == field and field in str(caught.value)


def test_every_setting_has_the_default_of_the_model_and_a_line_of_help():
    known = {each["name"]: each for each in setting_fields("sdxl")["fields"]}
    assert known.keys() == {each.name for each in fields(TrainConfig)}
    assert known["steps"]["default"] == 300 and known["steps"]["low"] == 1
    assert "dpo" in known["objective"]["choices"] and "low" not in known["objective"]
    assert all(each["help"].endswith(".") for each in known.values())


def test_every_objective_has_plain_words_that_are_its_own():
    offered = setting_fields("embedded")["objectives"]
    assert offered[0]["name"] == "dpo"
    for key in ("plain", "title", "about"):
        assert len({each[key] for each in offered}) == len(offered)
