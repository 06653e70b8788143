"""The form of a run's settings, and the words beside its button."""

import pytest

from align.client.planning.setting_fields import setting_fields
from annotate.training.planning.run_form import changed, form_values, readiness

KNOWN = setting_fields("embedded")


def test_the_form_shows_defaults_where_nothing_is_set():
    shown = form_values({}, KNOWN)
    assert (shown["budget"], shown["steps"], shown["rank"]) == ("normal", 100, 16)
    assert (shown["objective"], shown["init_from"], shown["voter"]) == ("dpo", "base", [])


@pytest.mark.parametrize(
    ("name", "value", "settings"),
    [
        ("budget", "strong", {"budget": "strong"}),
        ("budget", "normal", {}),
        ("steps", 60, {"steps": 60}),
        ("steps", 100, {}),
        ("steps", None, {}),
        ("learning_rate", 1e-4, {"learning_rate": 1e-4}),
        ("objective", "kto", {"objective": "kto"}),
        ("init_from", "v2", {"init_from": "v2"}),
        ("init_from", "base", {}),
        ("voter", ["ada", "bob"], {"voter": ["ada", "bob"]}),
        ("voter", [], {}),
        ("also_votes_of", ["other"], {"also_votes_of": ["other"]}),
    ],
)
def test_settings_hold_only_what_differs_from_the_defaults(name, value, settings):
    made = changed({}, name, value, KNOWN)
    assert made == settings
    if value and name != "budget":
        assert form_values(made, KNOWN)[name] == value


def test_what_the_form_does_not_show_stays_as_it_is():
    assert changed({"kappa": 80, "rank": 8}, "rank", 16, KNOWN) == {"kappa": 80}


def test_a_budget_and_steps_never_stand_beside_each_other():
    by_hand = changed({"budget": "strong"}, "steps", 130, KNOWN)
    assert by_hand == {"steps": 130} and form_values(by_hand, KNOWN)["budget"] is None
    again = changed({"steps": 130, "max_minutes": 9.0}, "budget", "gentle", KNOWN)
    assert again == {"budget": "gentle"} and form_values(again, KNOWN)["steps"] == 50


def test_a_former_name_is_shown_and_changed_like_the_present_one():
    assert form_values({"start": "v1"}, KNOWN)["init_from"] == "v1"
    assert changed({"start": "v1"}, "init_from", "v2", KNOWN) == {"init_from": "v2"}
    assert form_values({"voter": "ada"}, KNOWN)["voter"] == ["ada"]


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (1, "There is 1 choice to learn from, and a run needs at least 8. Choose in 7 more pairs"),
        (
            7,
            "There are 7 choices to learn from, and a run needs at least 8. Choose in 1 more pair ",
        ),
        (8, ""),
    ],
)
def test_a_run_is_offered_from_eight_choices_on(pairs, reason):
    ready = readiness({"pairs": pairs, "held_out": 0})
    assert ready.possible == (not reason) and ready.reason.startswith(reason)
    assert bool(ready.reason) != ready.possible


def test_while_a_run_is_under_way_the_button_says_so():
    ready = readiness({"pairs": 80, "held_out": 10}, busy=True)
    assert not ready.possible and ready.reason.startswith("A run is under way.")


@pytest.mark.parametrize("wrong", ["many", None, [], {}, True, float("nan"), float("inf")])
def test_what_somebody_types_as_json_may_hold_anything(wrong):
    names = ("steps", "rank", "learning_rate")
    shown = form_values(dict.fromkeys(names, wrong), KNOWN)
    assert [shown[name] for name in names] == [None] * 3


@pytest.mark.parametrize("wrong", [[], {}, 7, None])
def test_a_name_that_is_no_text_is_shown_as_none(wrong):
    names = ("budget", "objective", "init_from")
    shown = form_values(dict.fromkeys(names, wrong), KNOWN)
    assert [shown[name] for name in names] == [None] * 3
