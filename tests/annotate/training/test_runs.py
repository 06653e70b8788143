"""Runs: what starts them, their queue, their ends."""

import json
import os
import signal
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from annotate_doubles import ChildTrainer, Trouble
from places import ENDLESS, Open, Place, until

from align.contracts.run_files import RunStatus
from annotate.errors import InvalidRequest, NothingToLearn, NotResumable
from annotate.web.html.run_cards import run_card
from storage.errors import UnknownRun, UnknownVersion

pytestmark = pytest.mark.slow


def test_a_finished_run_makes_one_version_which_is_not_active(place: Place) -> None:
    place.label(3)
    run_id = place.studio.fine_tune("{}")["run_id"]
    status = place.reach(run_id, "done")
    assert status == {
        "state": "done",
        "progress": 1.0,
        "eta_s": None,
        "version": "v1",
        "error": None,
    }
    names = [(v["version"], v["parent"], v["active"]) for v in place.studio.versions()]
    assert names == [("base", None, True), ("v1", "base", False)]
    assert place.starts(run_id) == 1


def test_a_run_learns_from_the_votes_cast_before_it(open_place: Open) -> None:
    place = open_place(settle_s=0.5)
    place.label(3)
    place.label(1, "skip")
    detail = place.studio.run_detail(place.studio.fine_tune({})["run_id"])
    assert detail["counts"]["preference"] == 3
    assert detail["counts"]["unsettled"] == 0


def test_details_of_a_run_hold_its_curve_and_its_outcome(place: Place) -> None:
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 2})["run_id"]
    place.reach(run_id, "done")
    detail = place.studio.run_detail(run_id)
    assert [row["step"] for row in detail["metrics"]] == [1, 2]
    assert detail["settings"] == {"steps": 2}
    assert detail["result"] == {"held_out": {"helped": True}}
    assert detail["snapshot"] == "s0001"


def test_the_threshold_starts_exactly_one_run(open_place: Open) -> None:
    place = open_place(train_every=4)
    place.label(2)
    place.label(3, "tie")
    assert place.studio.stats()["until_next_run"] == 2
    assert place.run_ids() == []
    place.label(2, "right")
    until(lambda: place.run_ids())
    run = place.studio.runs()[0]
    assert (run["trigger"], run["counts"]["preference"]) == ("threshold", 4)
    place.reach(run["run_id"], "done")
    assert place.studio.stats()["until_next_run"] == 4
    place.label(3)
    assert place.run_ids() == ["r0001"]
    place.label(1)
    until(lambda: len(place.run_ids()) == 2)


def test_a_run_that_starts_by_itself_waits_until_enough_votes_are_settled(
    open_place: Open,
) -> None:
    place = open_place(train_every=4, settle_s=2.0)
    place.label(4)
    until(lambda: place.run_ids())
    assert place.studio.runs()[0]["counts"]["preference"] == 4


def test_a_cancelled_run_does_not_start_again_by_itself(open_place: Open) -> None:
    place = open_place(train_every=2)
    place.label(2)
    run_id = until(lambda: place.run_ids())[0]
    place.studio.cancel_run(run_id)
    until(lambda: place.state(run_id) in ("cancelled", "done"))
    assert place.studio.stats()["until_next_run"] == 2
    place.label(1)
    assert place.run_ids() == [run_id]
    place.label(1)
    until(lambda: len(place.run_ids()) == 2)


def test_once_a_day_a_run_starts_if_there_are_new_votes(open_place: Open) -> None:
    clock = {"now": datetime(2026, 3, 1, 1, 0)}
    place = open_place(train_at="02:30", now=lambda: clock["now"])
    place.label(1)
    clock["now"] = datetime(2026, 3, 1, 2, 31)
    run_id = until(lambda: place.run_ids())[0]
    assert place.studio.runs()[0]["trigger"] == "daily"
    place.reach(run_id, "done")
    clock["now"] = datetime(2026, 3, 2, 2, 31)
    later = place.studio.fine_tune({})["run_id"]
    place.reach(later, "done")
    assert place.run_ids() == [later, run_id]


def test_a_vote_given_as_the_time_of_the_daily_run_comes_is_in_it(open_place: Open) -> None:
    opened: list[Place] = []

    def now() -> datetime:
        """While the clock is read, a vote is given."""
        if not opened:
            return datetime(2026, 3, 1, 1, 0)
        if opened[0].studio.stats()["votes"] == 0:
            opened[0].label(1)
        return datetime(2026, 3, 1, 2, 31)

    place = open_place(train_at="02:30", now=now)
    opened.append(place)
    run_id = until(lambda: place.run_ids())[0]
    place.reach(run_id, "done")


def test_runs_wait_in_line_and_start_in_order(place: Place) -> None:
    place.label(1)
    first = place.studio.fine_tune(ENDLESS)["run_id"]
    second, third = (place.studio.fine_tune({})["run_id"] for _ in range(2))
    assert [place.state(run) for run in (first, second, third)] == ["running", "queued", "queued"]
    place.studio.cancel_run(first)
    place.reach(first, "cancelled")
    place.reach(third, "done")
    assert [place.studio.run_status(run)["version"] for run in (second, third)] == ["v1", "v2"]


def test_a_queued_run_can_be_cancelled_and_resumed(place: Place) -> None:
    place.label(1)
    first = place.studio.fine_tune(ENDLESS)["run_id"]
    second = place.studio.fine_tune({})["run_id"]
    assert place.studio.cancel_run(second)["state"] == "cancelled"
    assert place.studio.resume_run(second)["state"] == "queued"
    place.studio.cancel_run(first)
    place.reach(second, "done")
    assert place.starts(second) == 1


def test_a_cancelled_run_can_be_resumed(place: Place) -> None:
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 60})["run_id"]
    until(lambda: place.studio.run_detail(run_id)["step"] > 1)
    place.studio.cancel_run(run_id)
    place.reach(run_id, "cancelled")
    place.studio.resume_run(run_id)
    assert place.reach(run_id, "done")["version"] == "v1"
    with pytest.raises(NotResumable):
        place.studio.resume_run(run_id)


def test_a_run_that_fails_says_why(place: Place) -> None:
    place.label(1)
    run_id = place.studio.fine_tune({"fail_at": 2})["run_id"]
    status = place.reach(run_id, "failed")
    assert status["error"] == "The loss is no longer a number."
    assert status["version"] is None
    assert len(place.studio.versions()) == 1


def test_a_run_whose_trainer_dies_is_interrupted_and_can_be_resumed(place: Place) -> None:
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 60})["run_id"]
    place.trainer_process(run_id).kill()
    status = place.reach(run_id, "interrupted")
    assert "Resume" in status["error"]
    place.studio.resume_run(run_id)
    assert place.reach(run_id, "done")["error"] is None


def test_what_cannot_be_learned_is_refused_before_anything_is_recorded(place: Place) -> None:
    for ask in (place.studio.plan, place.studio.fine_tune):
        with pytest.raises(NothingToLearn):
            ask({})
    place.label(1)
    bad: list[Any] = ["[1]", "{", 3, [1]]
    for settings in bad:
        with pytest.raises(InvalidRequest):
            place.studio.fine_tune(settings)
    with pytest.raises(Trouble, match="colour"):
        place.studio.fine_tune({"colour": 1})
    assert place.run_ids() == []
    with pytest.raises(UnknownRun):
        place.studio.run_status("r0009")
    assert place.studio.plan("")["pairs"] == 1


def test_a_run_that_cannot_be_started_fails_and_the_next_one_runs(place: Place) -> None:
    place.label(1)
    first = place.studio.fine_tune(ENDLESS)["run_id"]
    second, third = (place.studio.fine_tune({})["run_id"] for _ in range(2))
    (place.store.run_dir(second) / "status.json").mkdir()
    place.studio.cancel_run(first)
    place.reach(third, "done")
    assert place.state(second) == "failed"


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process for a while")
def test_a_trainer_that_does_not_heed_a_cancellation_is_ended(open_place: Open) -> None:
    clock = {"now": 0.0}
    place = open_place(clock=lambda: clock["now"])
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    place.trainer_process(run_id).send_signal(signal.SIGSTOP)
    assert place.studio.cancel_run(run_id)["cancelling"] is True
    assert place.studio.runs()[0]["cancelling"] is True
    assert place.studio.activity()["message"] == "Fine-tuning: 0 %, cancelling."
    clock["now"] += 600.0
    place.reach(run_id, "cancelled")


def test_a_cancel_reaches_the_trainer_while_the_runs_are_busy_with_something_long(
    place: Place,
) -> None:
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    place.trainer_process(run_id)
    with place.studio._runs._lock:
        asking = threading.Thread(target=place.studio.cancel_run, args=(run_id,))
        asking.start()
        until((place.store.run_dir(run_id) / "cancel").is_file)
    asking.join()
    place.reach(run_id, "cancelled")
    assert "cancelling" not in place.studio.run_status(run_id)


def test_the_page_is_told_how_far_a_run_is(place: Place) -> None:
    place.label(1)
    place.studio.fine_tune(ENDLESS)
    message = until(lambda: place.studio.activity()["message"])
    assert message.startswith("Fine-tuning: 0 %")
    assert place.studio.activity()["run"]["state"] == "running"


def test_a_run_whose_trainer_says_nothing_any_more_is_told_with_what_to_do(
    open_place: Open,
) -> None:
    class Silent(ChildTrainer):
        def status(self, run_dir: Path) -> RunStatus:
            return replace(super().status(run_dir), silent_s=200.0)

    place = open_place(trainer=Silent())
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    told = "It has not answered for 3 minutes. Cancel it, then resume it."
    until(lambda: place.studio.run_status(run_id).get("trouble") == told)
    assert told in place.studio.activity()["message"]
    assert told in run_card(place.studio.run_detail(run_id))


def test_a_run_can_go_on_from_a_version_which_becomes_its_parent(place: Place) -> None:
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    run = place.reach(place.studio.fine_tune({"init_from": "v1"})["run_id"], "done")
    assert (run["version"], place.studio.versions()[-1]["parent"]) == ("v2", "v1")
    second, first = (place.store.run_dir(name) for name in place.run_ids())
    start, made = second / "start.safetensors", first / "adapter.safetensors"
    assert start.read_bytes() == made.read_bytes()


def test_a_run_from_a_version_that_is_not_there_is_refused_at_once(place: Place) -> None:
    place.label(1)
    with pytest.raises(UnknownVersion, match="v9"):
        place.studio.fine_tune({"init_from": "v9"})
    assert not place.run_ids()


def test_a_run_on_one_persons_votes_leaves_the_others_out_and_counts_for_nobody_else(
    place: Place,
) -> None:
    place.label(3, annotator="ann")
    place.label(2, annotator="bob")
    run_id = place.studio.fine_tune({"voter": "bob"})["run_id"]
    place.reach(run_id, "done")
    run = place.store.run(run_id)
    snapshot = place.store.images_dir.parent / "snapshots" / run.snapshot_id
    lines = (snapshot / "pairs.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 2 and run.settings == {"voter": "bob"}
    assert json.loads((snapshot / "manifest.json").read_text("utf-8"))["voter"] == "bob"
    assert place.store.decisive_since_last_run(run.base) == 5
    assert place.studio.plan({"voter": "ann"})["pairs"] == 3
    with pytest.raises(NothingToLearn, match="'eve'"):
        place.studio.fine_tune({"voter": "eve"})


def test_a_run_learns_from_chosen_annotators_as_from_one(place: Place) -> None:
    for name, count in (("ann", 3), ("bob", 2), ("eve", 1)):
        place.label(count, annotator=name)
    assert place.studio.plan({"voter": ["bob", "eve", "bob"]})["pairs"] == 3
    run_id = place.studio.fine_tune({"voter": ["eve", "bob"]})["run_id"]
    assert place.reach(run_id, "done")["version"] == "v1"
    run = place.store.run(run_id)
    snapshot = place.store.images_dir.parent / "snapshots" / run.snapshot_id
    assert len((snapshot / "pairs.jsonl").read_text("utf-8").splitlines()) == 3
    assert json.loads((snapshot / "manifest.json").read_text("utf-8"))["voter"] == "bob, eve"
    assert place.store.decisive_since_last_run(run.base) == 6
    with pytest.raises(InvalidRequest, match="a name or a list of names"):
        place.studio.plan({"voter": 3})
