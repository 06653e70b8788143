"""Events of the stage arrive once, as they were meant, and in the person's own name."""

import json

import pytest
from annotate_doubles import small_model
from places import Place, until

from annotate.errors import InvalidRequest
from annotate.labeling.new_acts import as_flag
from annotate.web.api import Endpoints
from annotate.web.stage_events import StageEvents
from storage.errors import AlreadyVoted, InvalidAnnotation, UnknownVote

BASE = small_model().identity
CLEAR = {"kind": "remark", "of": "k1", "remark": "strength", "name": "", "value": "2"}


@pytest.fixture
def acts(place: Place) -> StageEvents:
    return StageEvents(place.studio)


def send(acts: StageEvents, kind: str, key: str, **more: object) -> dict:
    return acts.take({"kind": kind, "key": key, "annotator": "ann", **more})


def pair_of(place: Place) -> dict:
    return until(lambda: place.studio.pairs_ahead("ann", [], 1)["pairs"])[0]


def quad_of(place: Place) -> dict:
    return until(lambda: place.studio.quads_ahead("ann", [], 1)["pairs"])[0]


def test_every_kind_repeats_its_key_and_counts_once(place, acts):
    pair = pair_of(place)
    for _ in range(2):
        sent = send(acts, "vote", "k1", pair_id=pair["pair_id"], verdict="left", response_ms=400)
        assert (sent["key"], sent["votes"]) == ("k1", 1)
        send(acts, "remark", "k2", of="k1", remark="strength", name="", value="2")
        send(acts, "remark", "k3", of="k1", remark="reason", name="hands", value="on")
        send(acts, "remark", "k4", of="k1", remark="criterion", name="detail", value="right")
    sql = "SELECT kind, name, value FROM current_annotations WHERE vote_key = 'k1'"
    said = {(kind, name): value for kind, name, value in place.store._database.read(sql)}
    right = place.store.pair(pair["pair_id"]).right
    assert said == {
        ("strength", ""): "2",
        ("reason", "hands"): "on",
        ("criterion", "detail"): right,
    }

    for key, kind in (("u1", "criterion"), ("u2", "reason"), ("u3", "strength"), ("u4", "vote")):
        assert place.store.counts(BASE).votes == 1
        for _ in range(2):
            sent = send(acts, "undo", key)
            assert (sent["undone"]["kind"], sent["opens"]) == (kind, kind == "vote")
            assert sent["pair"]["pair_id"] == pair["pair_id"]
    assert place.store.counts(BASE).votes == 0


@pytest.mark.slow
def test_four_are_ranked_undone_and_ranked_again_between_votes(place, acts):
    pair, quad = pair_of(place), quad_of(place)
    send(acts, "vote", "k1", pair_id=pair["pair_id"], verdict="left")
    sent = send(acts, "ranking", "k2", pair_id=quad["pair_id"], best=2, worst=0)
    assert sent["votes"] == 2

    assert send(acts, "undo", "u1")["pair"] == quad
    assert send(acts, "undo", "u2")["pair"]["pair_id"] == pair["pair_id"]
    assert send(acts, "undo", "u1")["pair"] == quad
    assert place.store.counts(BASE).votes == 0

    send(acts, "ranking", "k3", pair_id=quad["pair_id"], best=1, worst=3)
    sql = "SELECT images, best, worst FROM current_rankings JOIN quads USING (quad_id)"
    ((images, best, worst),) = place.store._database.read(sql)
    assert [best, worst] == [images[1], images[3]]
    assert quad_of(place)["pair_id"] != quad["pair_id"]


def test_the_four_are_of_one_prompt_the_same_until_ranked_and_nobody_elses(place):
    quad = quad_of(place)
    assert quad_of(place) == quad
    assert len(set(quad["urls"])) == 4
    other = until(lambda: place.studio.quads_ahead("bob", [], 1)["pairs"])[0]
    assert other["pair_id"] != quad["pair_id"]
    assert set(quad) == {"pair_id", "prompt", "urls"}


@pytest.mark.slow
def test_a_run_learns_from_rankings(place, acts):
    quad = quad_of(place)
    send(acts, "ranking", "k1", pair_id=quad["pair_id"], best=0, worst=1)
    run = place.studio.fine_tune({"steps": 3})["run_id"]
    until(lambda: place.studio.run_status(run)["state"] == "done")
    lines = next((place.store.images_dir.parent / "snapshots").glob("*/pairs.jsonl"))
    assert [json.loads(line)["kind"] for line in lines.read_text("utf-8").splitlines()] == [
        "ranking"
    ]


def test_a_reported_pair_leaves_every_page_and_comes_back_when_it_may(place, acts):
    pair = pair_of(place)
    send(acts, "report", "r1", pair_id=pair["pair_id"], note="odd")
    ahead = place.studio.pairs_ahead("ann", [pair["pair_id"]], 1)
    assert ahead["passed_over"] == [pair["pair_id"]]

    (report,) = place.studio.annotations.flags()
    assert (report["note"], report["by"], report["decision"]) == ("odd", "ann", "open")
    place.studio.annotations.decide_flag(report["report"], "shown", "me")
    every = place.studio.pairs_ahead("bob", [], 48)["pairs"]
    assert pair["pair_id"] in [one["pair_id"] for one in every]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"kind": "dance"}, InvalidRequest),
        ({"kind": "vote"}, InvalidRequest),
        (
            {"kind": "remark", "of": "k1", "remark": "mood", "name": "", "value": "2"},
            InvalidAnnotation,
        ),
        (
            {"kind": "remark", "of": "kx", "remark": "strength", "name": "", "value": "2"},
            UnknownVote,
        ),
        ({"kind": "ranking", "pair_id": "q", "best": "0", "worst": 1}, InvalidRequest),
        ({"kind": "ranking", "pair_id": "q", "best": True, "worst": 1}, InvalidRequest),
        ({"kind": "report", "pair_id": "p"}, InvalidRequest),
    ],
)
def test_what_makes_no_sense_is_refused(place, acts, event, error):
    pair = pair_of(place)
    send(acts, "vote", "k1", pair_id=pair["pair_id"], verdict="left")
    with pytest.raises(error):
        acts.take({"key": "k2", "annotator": "ann", **event})
    assert place.store.counts(BASE).votes == 1


def test_the_project_says_what_is_asked(place):
    annotations = place.studio.annotations
    assert annotations.options()["reasons"][0] == "hands"
    offered = annotations.set_options("eyes\n\n  eyes\nfur ", ["detail"], 2, "me")
    asked = {"reasons": ["eyes", "fur"], "criteria": ["detail"], "overlap": 2}
    assert offered == {**asked, "purpose": ""}
    for wrong in (
        [["x" * 41], [], 1],
        [[], [], 0],
        [[], [], True],
        [["a"] * 3, list("abcdefghijklm"), 1],
    ):
        with pytest.raises(InvalidRequest):
            annotations.set_options(*wrong, "me")
    assert annotations.options() == offered


def test_the_project_says_what_it_is_for_in_at_most_300_characters(place):
    annotations = place.studio.annotations
    assert annotations.options()["purpose"] == ""
    told = annotations.set_options([], [], 1, "me", " Portraits for a game.\nChoose warm ones. ")
    assert told["purpose"] == "Portraits for a game. Choose warm ones."
    assert annotations.set_options([], ["detail"], 1, "me")["purpose"] == told["purpose"]
    for wrong in ("x" * 301, 3):
        with pytest.raises(InvalidRequest, match="What the project is for"):
            annotations.set_options([], [], 1, "me", wrong)
    assert annotations.set_options([], [], 1, "me", "")["purpose"] == ""


def test_a_sitting_counts_pauses_and_sums_up(place, acts):
    sessions = place.studio.sessions
    assert sessions.current("ann") is None and sessions.summary("ann") is None
    assert sessions.begin("ann", 2) == {"goal": 2, "given": 0, "state": "open"}
    for key, verdict in (("k1", "left"), ("k2", "tie")):
        pair = pair_of(place)
        send(acts, "vote", key, pair_id=pair["pair_id"], verdict=verdict, response_ms=500)
    assert sessions.current("ann")["given"] == 2
    summary = sessions.summary("ann")
    assert (summary["kinds"], summary["median_ms"]) == ({"left": 1, "tie": 1}, 500)
    assert summary["left_share"] == 1.0

    held = pair_of(place)["pair_id"]
    assert sessions.set_state("ann", "paused")["state"] == "paused"
    every = place.studio.pairs_ahead("bob", [], 48)["pairs"]
    assert held in [one["pair_id"] for one in every]
    assert sessions.set_state("ann", "open")["state"] == "open"
    sessions.set_state("ann", "ended")
    assert sessions.current("ann") is None
    with pytest.raises(InvalidRequest):
        sessions.begin("ann", 1.5)


def test_voting_twice_under_another_key_is_refused(place, acts):
    pair = pair_of(place)
    send(acts, "vote", "k1", pair_id=pair["pair_id"], verdict="left")
    with pytest.raises(AlreadyVoted):
        send(acts, "vote", "k2", pair_id=pair["pair_id"], verdict="right")


def test_a_report_that_is_taken_back_opens_the_pair_again_and_says_what_stays(place, acts):
    voted = pair_of(place)
    send(acts, "vote", "k1", pair_id=voted["pair_id"], verdict="left")
    pair = pair_of(place)
    send(acts, "report", "r1", pair_id=pair["pair_id"], note="odd")

    sent = send(acts, "undo", "u1")
    assert sent["pair"] == pair == pair_of(place)
    assert (sent["undone"], sent["opens"]) == ({"kind": "report", "key": "r1"}, True)
    assert "taken back" in sent["note"] and sent["votes"] == 1
    assert place.studio.pairs_ahead("ann", [pair["pair_id"]], 1)["passed_over"] == []
    assert [one["decision"] for one in place.studio.annotations.flags()] == ["withdrawn"]

    send(acts, "report", "r2", pair_id=pair["pair_id"], note="odd")
    place.studio.annotations.decide_flag(2, "hidden", "cem")
    told = Endpoints(place.studio).undo("ann")
    assert "stays" in told["note"] and told["undone"]["kind"] == "vote"
    assert {name: told[name] for name in voted} == voted == pair_of(place)


def test_a_pair_that_others_reported_too_stays_hidden(place, acts):
    pair = pair_of(place)
    send(acts, "report", "r1", pair_id=pair["pair_id"], note="")
    place.studio.annotations.flag(as_flag(pair["pair_id"], "bob", "", "r2"))
    sent = send(acts, "undo", "u1")
    assert not sent["opens"] and "stays hidden" in sent["note"]
    assert place.studio.pairs_ahead("ann", [pair["pair_id"]], 1)["passed_over"] == [pair["pair_id"]]
