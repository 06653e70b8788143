"""Versions that become active by themselves: after checks and held-out pairs, or never."""

from datetime import datetime

import pytest
from places import Place

from annotate.errors import InvalidRequest, InvalidSchedule
from annotate.training.automatic.activation_policy import passed
from annotate.web.tabs.train.run_notice import notice_of
from storage.records import Version

PASSED = {"name": "images", "passed": True, "value": 1.0, "limit": 0.5, "sentence": "Fine."}


def result(agreed: int, pairs: int, **changes):
    held = {"pairs": pairs, "accuracy": agreed / pairs, "helped": True}
    return {"held_out": held, "checks": [PASSED], "held_back": False} | changes


def test_held_out_pairs_count_only_where_their_interval_lies_above_one_half():
    assert passed(result(24, 30)) == "24 of 30 held-out pairs, all checks passed"
    assert passed(result(6, 7)) is None
    assert passed(result(12, 30)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"checks": []},
        {"checks": [PASSED | {"passed": False}], "held_back": True},
        {"held_out": {"pairs": 0, "accuracy": None, "helped": None}},
        {"held_out": {"helped": True}},
    ],
)
def test_a_version_without_checks_or_held_out_pairs_is_never_let_through(other):
    assert passed(result(24, 30, **other)) is None


def active(**summary) -> Version:
    """Make the version that is active, whose run had this result."""
    made = datetime(2026, 1, 1)
    return Version("v1", "m", "base", "r0001", None, made, active=True, summary=summary)


def test_a_version_must_agree_as_often_as_the_one_that_is_active():
    best = active(held_out={"pairs": 28, "accuracy": 26 / 28})
    assert passed(result(24, 30), best) is None
    good = active(held_out={"pairs": 28, "accuracy": 20 / 28})
    assert passed(result(24, 30), good) == (
        "24 of 30 held-out pairs (v1: 20 of 28), all checks passed"
    )
    assert passed(result(24, 30), active()) == "24 of 30 held-out pairs, all checks passed"


@pytest.mark.slow
def test_a_version_that_passed_becomes_active_by_itself_only_where_that_was_chosen(place: Place):
    place.label(1)
    place.studio.next_run.change_automatic(0, "", "checks", "ann")
    for number, policy in enumerate(("checks", "never", "blind_test"), start=1):
        place.studio.next_run.change_automatic(0, "", policy, "ann")
        place.reach(place.studio.fine_tune({"result": result(24, 30)})["run_id"], "done")
        active = [v["version"] for v in place.studio.versions() if v["active"]]
        assert active == ["v1"], f"v{number}"
    (told,) = place.studio.next_run.automatic()["activated"]
    assert told["version"] == "v1" and told["sentence"] == (
        "v1 became active by itself: 24 of 30 held-out pairs, all checks passed."
    )


@pytest.mark.slow
def test_an_unknown_policy_is_refused(place: Place):
    with pytest.raises(InvalidRequest, match="never, checks, blind_test"):
        place.studio.next_run.change_automatic(0, "", "always", "ann")


@pytest.mark.slow
def test_what_became_active_by_itself_is_told_only_while_it_is_active(place: Place):
    place.label(1)
    place.studio.next_run.change_automatic(0, "", "checks", "ann")
    place.reach(place.studio.fine_tune({"result": result(24, 30)})["run_id"], "done")
    assert "v1 became active by itself" in notice_of(place.studio)["html"]
    place.studio.activate("base")
    assert notice_of(place.studio) == {"html": "", "told": ""}
    assert len(place.studio.next_run.automatic()["activated"]) == 1


@pytest.mark.slow
def test_of_a_change_with_a_mistake_nothing_is_kept(place: Place):
    with pytest.raises(InvalidSchedule):
        place.studio.next_run.change_automatic(0, "late", "checks", "ann")
    with pytest.raises(InvalidRequest):
        place.studio.next_run.change_automatic(7, "22:00", "always", "ann")
    kept = place.studio.next_run.automatic()
    assert (kept["every"], kept["at"], kept["activation"]) == (0, "", "never")
