"""Runs that start by themselves: with which settings, when, and what somebody is asked before."""

import time
from datetime import datetime

import pytest
from annotate_doubles import ChildTrainer
from places import Open, Place, until

from annotate.errors import InvalidRequest, InvalidSchedule
from annotate.web.tabs.train.run_notice import notice_of
from storage.errors import UnknownVersion

pytestmark = pytest.mark.slow


def slow_trainer(minutes: float = 45.0) -> ChildTrainer:
    trainer = ChildTrainer()
    trainer.minutes = minutes
    return trainer


def question(place: Place):
    return place.studio.next_run.automatic()["question"]


def test_an_automatic_run_uses_the_saved_settings_and_starts_again_with_them(
    open_place: Open,
) -> None:
    place = open_place(train_every=2)
    place.studio.next_run.save({"steps": 2}, "ann")
    place.label(2)
    run_id = until(lambda: place.run_ids())[0]
    assert place.studio.run_detail(run_id)["settings"] == {"steps": 2}
    place.reach(run_id, "done")
    place.close()
    again = open_place(train_every=2)
    assert again.studio.next_run.saved()["settings"] == {"steps": 2}


def test_settings_that_cannot_be_used_are_not_saved(place: Place) -> None:
    with pytest.raises(Exception, match="steps must be between"):
        place.studio.next_run.save({"steps": 0}, "ann")
    with pytest.raises(UnknownVersion):
        place.studio.next_run.save({"init_from": "v9"}, "ann")
    assert place.studio.next_run.saved()["settings"] == {}


def test_the_page_changes_when_runs_start_and_the_next_app_keeps_it(open_place: Open) -> None:
    place = open_place(train_every=50)
    changed = place.studio.next_run.change_automatic(3, "22:00", "never", "ann")
    assert (changed["every"], changed["at"], changed["until_next"]) == (3, "22:00", 3)
    assert place.studio.train_every == 3
    place.label(3)
    place.reach(until(lambda: place.run_ids())[0], "done")
    place.close()
    again = open_place(train_every=50).studio.next_run.automatic()
    assert (again["every"], again["at"]) == (3, "22:00")


@pytest.mark.parametrize("every", [-1, 2.5, "many", True])
def test_a_number_of_votes_that_is_none_is_refused(place: Place, every: object) -> None:
    with pytest.raises(InvalidSchedule, match="0 for never"):
        place.studio.next_run.change_automatic(every, "", "never", "ann")
    with pytest.raises(InvalidSchedule, match="HH:MM"):
        place.studio.next_run.change_automatic(0, "late", "never", "ann")


def test_a_long_run_waits_until_somebody_agrees_and_the_next_does_not(open_place: Open) -> None:
    place = open_place(train_every=2, trainer=slow_trainer())
    place.label(2)
    asked = until(lambda: question(place))
    assert asked == {"minutes": 45.0, "votes": 2, "tonight": "22:00"}
    assert place.run_ids() == []
    place.studio.next_run.answer("now", "ann")
    place.reach(until(lambda: place.run_ids())[0], "done")
    assert place.studio.runs()[0]["trigger"] == "threshold" and question(place) is None
    place.label(2)
    until(lambda: len(place.run_ids()) == 2)


def test_a_run_that_takes_much_longer_than_what_was_agreed_to_asks_again(open_place: Open) -> None:
    trainer = slow_trainer(15.0)
    place = open_place(train_every=2, trainer=trainer)
    place.label(1)
    place.studio.next_run.answer("now", "ann")
    trainer.minutes = 31.0
    place.label(1)
    assert until(lambda: question(place))["minutes"] == 31.0
    assert place.run_ids() == []


def test_not_yet_asks_again_after_as_many_votes_more(open_place: Open) -> None:
    place = open_place(train_every=2, trainer=slow_trainer())
    place.label(2)
    until(lambda: question(place))
    place.studio.next_run.answer("not_yet", "ann")
    place.label(1)
    assert question(place) is None
    place.label(1)
    assert until(lambda: question(place))["votes"] == 4
    assert place.run_ids() == []


def test_tonight_starts_the_run_after_ten_in_the_evening_and_past_midnight(
    open_place: Open,
) -> None:
    clock = {"now": datetime(2026, 3, 1, 15, 0)}
    place = open_place(train_every=2, trainer=slow_trainer(), now=lambda: clock["now"])
    place.label(2)
    until(lambda: question(place))
    place.studio.next_run.answer("tonight", "ann")
    assert place.run_ids() == [] and question(place) is None
    clock["now"] = datetime(2026, 3, 2, 0, 30)
    place.reach(until(lambda: place.run_ids())[0], "done")


def test_a_daily_run_that_nobody_agreed_to_stays_due(open_place: Open) -> None:
    clock = {"now": datetime(2026, 3, 1, 1, 0)}
    place = open_place(train_at="02:30", trainer=slow_trainer(), now=lambda: clock["now"])
    place.label(1)
    clock["now"] = datetime(2026, 3, 1, 2, 31)
    assert until(lambda: question(place))["tonight"] == "02:30"
    place.studio.next_run.answer("now", "ann")
    until(lambda: place.run_ids())
    assert place.studio.runs()[0]["trigger"] == "daily"


def test_a_daily_run_that_waits_for_tonight_is_due_in_the_next_app_too(open_place: Open) -> None:
    clock = {"now": datetime(2026, 3, 1, 8, 59)}
    slow = {"train_at": "09:00", "now": lambda: clock["now"]}
    place = open_place(trainer=slow_trainer(), **slow)
    place.label(1)
    clock["now"] = datetime(2026, 3, 1, 9, 1)
    until(lambda: question(place))
    place.studio.next_run.answer("tonight", "ann")
    place.close()

    again = open_place(trainer=slow_trainer(), **slow)
    until_polled(again)
    assert again.run_ids() == []
    clock["now"] = datetime(2026, 3, 1, 22, 1)
    again.reach(until(lambda: again.run_ids())[0], "done")
    assert again.studio.runs()[0]["trigger"] == "daily"
    # Once it has run it is due no more.
    until_polled(again)
    assert not again.store.project_settings.get("daily_run_due", True)


def test_saved_settings_that_cannot_be_used_are_told_with_where_to_mend_them(
    open_place: Open,
) -> None:
    place = open_place(train_every=2)
    place.store.project_settings.set("run_settings", {"init_from": "v9"}, "ann")
    place.label(2)
    problem = until(lambda: place.studio.activity()["problem"])
    assert problem.startswith("A run is due, and its saved settings cannot be used: ")
    assert "v9" in problem and problem.endswith("Change them on the Train tab and save them.")
    assert place.studio.activity()["message"] == problem


def test_the_page_and_programs_are_told_of_a_run_that_waits_for_an_answer(
    open_place: Open,
) -> None:
    place = open_place(train_every=2, trainer=slow_trainer())
    assert notice_of(place.studio) == {"html": "", "told": ""}
    place.label(2)
    until(lambda: question(place))
    html = notice_of(place.studio)["html"]
    assert "A run on 2 new choices is due. It should take about 45 min." in html
    assert all(f'data-answer="{name}"' in html for name in ("now", "tonight", "not_yet"))
    (told,) = place.studio.notices()
    assert "answer_automatic_run" in told
    place.studio.next_run.answer("not_yet", "ann")
    assert notice_of(place.studio)["html"] == "" and place.studio.notices() == []


def test_an_unknown_answer_is_refused(place: Place) -> None:
    with pytest.raises(InvalidRequest, match="now, tonight, not_yet"):
        place.studio.next_run.answer("never", "ann")


def test_a_run_that_a_person_asks_for_is_never_held_up(open_place: Open) -> None:
    place = open_place(trainer=slow_trainer())
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")


def test_the_preview_tells_an_error_with_its_setting_and_a_reason_apart(place: Place) -> None:
    wrong = place.studio.next_run.preview({"steps": 0})
    assert (wrong["field"], wrong["reason"], wrong["possible"]) == ("steps", "", False)
    assert "steps must be between" in wrong["error"]
    assert place.studio.next_run.preview({"init_from": "v7"})["field"] == "init_from"
    assert "not JSON" in place.studio.next_run.preview("{")["error"]
    nothing = place.studio.next_run.preview({})
    assert nothing["error"] == "" and "Label some pairs first" in nothing["reason"]
    place.label(3)
    few = place.studio.next_run.preview({})
    assert few["plan"]["pairs"] == 3 and not few["possible"] and "5 more pairs" in few["reason"]


@pytest.mark.parametrize("saved", ["ann", ["ann", "bob"], [], ""])
def test_automatic_runs_on_some_peoples_votes_start_once_for_the_same_votes(
    open_place: Open, saved: object
) -> None:
    place = open_place(train_every=2)
    place.studio.next_run.save({"steps": 1, "voter": saved}, "ann")
    place.label(2, annotator="ann")
    until(lambda: place.run_ids())
    place.reach("r0001", "done")
    assert place.studio.next_run.automatic()["until_next"] == 2
    until_polled(place)
    assert place.run_ids() == ["r0001"]
    # Votes of others start none, where the run would not learn from them.
    place.label(2, annotator="cleo")
    if saved:
        until_polled(place)
        assert place.run_ids() == ["r0001"]
        place.label(2, annotator="ann")
    until(lambda: len(place.run_ids()) == 2)


def until_polled(place: Place) -> None:
    """Wait until the runs were looked at a few times more."""
    time.sleep(5 * 0.1)
    assert place.studio.activity()["problem"] is None
