"""What a run changed: its kind and its words, from what was measured."""

import pytest

from annotate.training.samples.changes import ChangeKind, change_of

CHECKS = {
    "held_back": True,
    "checks": [
        {"name": "variety", "passed": False, "sentence": "Its images lost variety."},
        {"name": "prompt", "passed": True, "sentence": "They show their prompts."},
    ],
}


def held_out(right, pairs, helped=None):
    return {"held_out": {"pairs": pairs, "accuracy": right / pairs, "helped": helped}}


@pytest.mark.parametrize(
    ("result", "kind", "title", "sure"),
    [
        (held_out(24, 30, True), "moved", "It moved your way", True),
        (held_out(10, 10, True), "moved", "It moved your way", True),
        # "Helped" says the trainer of both, at a laxer level and from any number of pairs.
        (held_out(6, 7, True), "moved", "It may have moved your way", False),
        (held_out(20, 30, True), "moved", "It may have moved your way", False),
        (held_out(9, 9, True), "moved", "It may have moved your way", False),
        (held_out(4.5, 8), "moved", "It may have moved your way", False),
        (held_out(2, 5), "moved", "It changed", False),
        (held_out(1, 5, False), "moved", "It changed", False),
        ({}, "moved", "It changed", False),
        ({"held_out": {"pairs": 0, "accuracy": None}}, "moved", "It changed", False),
        (held_out(15, 30, False), "worse", "It changed, but not your way", True),
        (held_out(1500, 3000, False), "worse", "It changed, but not your way", True),
        (held_out(5, 30, False), "worse", "It moved the wrong way", True),
        (CHECKS | held_out(24, 30, True), "worse", "It is held back", True),
        (CHECKS | {"movement": 0.001}, "worse", "It is held back", True),
        # Nobody can see what agrees here.
        (held_out(24, 30, True) | {"movement": 0.012}, "hardly", "It hardly moved", True),
        (held_out(15, 30, False) | {"movement": 0.012}, "hardly", "It hardly moved", True),
        (held_out(24, 30, True) | {"movement": 0.12}, "moved", "It moved your way", True),
    ],
)
def test_a_run_changed_one_of_three_things(result, kind, title, sure):
    change = change_of(result)
    assert (change.kind, change.title, change.sure) == (ChangeKind(kind), title, sure)


def test_pairs_are_counted_not_turned_into_percent():
    assert (
        change_of(held_out(24, 30)).sentence
        == "It agrees with you on 24 of 30 pairs kept apart from training."
    )
    few = change_of(held_out(6, 7)).sentence
    assert few == "It agrees with you on 6 of 7 pairs kept apart from training: too few to be sure."
    assert "on 4.5 of 8 pairs" in change_of(held_out(4.5, 8)).sentence


def test_a_version_that_is_held_back_says_why_and_no_more():
    assert change_of(CHECKS).sentence == "Its images lost variety."


@pytest.mark.parametrize(
    ("alike", "movement", "kind"),
    [
        (0.75, 0.12, ChangeKind.HARDLY),
        (1.0, None, ChangeKind.HARDLY),
        (0.5, 0.001, ChangeKind.MOVED),
        (0.0, 0.12, ChangeKind.MOVED),
    ],
)
def test_images_that_were_compared_decide_whether_anything_moved(alike, movement, kind):
    result = held_out(24, 30) | {"alike": alike}
    assert change_of(result | ({} if movement is None else {"movement": movement})).kind is kind
