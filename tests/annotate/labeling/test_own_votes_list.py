"""The list of one's own votes, and changes of them, in a studio."""

import pytest
from places import Place, until

from annotate.errors import InvalidRequest
from annotate.labeling.new_acts import as_flag, as_vote
from annotate.labeling.own_votes import VOTES_AT_ONCE
from annotate.service.labeler_view import LabelerView
from storage.acts import NewRanking
from storage.errors import InvalidVerdict


def own(place: Place, annotator: str = "ann", **wanted: object) -> list[dict]:
    return place.studio.own_votes_list(annotator, **wanted)["votes"]


def test_the_list_is_of_ones_own_votes_a_page_at_a_time(place: Place) -> None:
    place.label(VOTES_AT_ONCE + 2)
    place.label(1, annotator="bob")
    first = place.studio.own_votes_list("ann")
    assert (len(first["votes"]), first["total"]) == (VOTES_AT_ONCE, VOTES_AT_ONCE + 2)
    rest = place.studio.own_votes_list("ann", first["before"])
    assert (len(rest["votes"]), rest["before"]) == (2, 0)
    keys = [vote["vote_key"] for vote in first["votes"] + rest["votes"]]
    assert len(set(keys)) == VOTES_AT_ONCE + 2


def test_a_changed_vote_counts_from_then_on(place: Place) -> None:
    place.label(1)
    (vote,) = own(place)
    assert vote["verdict"] == "left"
    place.studio.change_vote("ann", vote["vote_key"], "tie", "k2")
    (changed,) = own(place)
    assert (changed["verdict"], changed["vote_key"], changed["pair_id"]) == (
        *("tie", "k2"),
        vote["pair_id"],
    )
    assert (place.studio.stats()["decisive"], place.studio.stats()["ties"]) == (0, 1)


def test_a_vote_that_is_taken_back_opens_its_pair_again(place: Place) -> None:
    place.label(2)
    older = own(place)[1]
    answer = place.studio.change_vote("ann", older["vote_key"], "", "u1")
    assert (answer["verdict"], len(own(place))) == ("", 1)
    assert place.studio.next_pair("ann")["pair_id"] == older["pair_id"]


def test_a_pair_that_somebody_flagged_stays_hidden_when_its_vote_is_taken_back(
    place: Place,
) -> None:
    place.label(2)
    newer, older = own(place)
    place.studio.annotations.flag(as_flag(older["pair_id"], "bob", "", "f1"))
    assert not place.studio.change_vote("ann", older["vote_key"], "", "u1")["opens"]
    assert place.studio.next_pair("ann")["pair_id"] != older["pair_id"]
    assert place.studio.change_vote("ann", newer["vote_key"], "", "u2")["opens"]
    assert place.studio.next_pair("ann")["pair_id"] == newer["pair_id"]


def test_a_pair_that_comes_again_looks_like_any_other_in_the_list(place: Place) -> None:
    place.studio.insights.change("repeat_share", 0.5, "me")
    place.label(36)
    kinds = {place.store.pair(vote["pair_id"]).check for vote in own(place)}
    assert kinds == {None, "repeat"}
    assert len({tuple(sorted(vote)) for vote in own(place)}) == 1


def test_a_labeler_looks_through_votes_and_changes_them(place: Place) -> None:
    view = LabelerView(place.studio, place.store.people)
    pair = until(lambda: view.pairs_ahead("eve", [], 1)["pairs"])[0]
    view.vote(as_vote(pair["pair_id"], "left", "eve", "k1"))
    assert view.own_votes_list("eve")["votes"][0]["left_url"] == pair["left_url"]
    assert view.change_vote("eve", "k1", "right", "k2")["verdict"] == "right"


def test_four_images_at_a_time_are_listed_by_themselves(place: Place) -> None:
    place.label(1)
    quad = until(lambda: place.studio.quads_ahead("ann", [], 1)["pairs"])[0]
    place.studio.best_worst.rank(NewRanking(quad["pair_id"], 2, 0, "ann", "r1"))
    skipped = until(lambda: place.studio.quads_ahead("ann", [], 1)["pairs"])[0]
    place.studio.best_worst.rank(NewRanking(skipped["pair_id"], None, None, "ann", "r2"))

    listed = place.studio.own_votes_list("ann", verdict="four")
    assert (listed["votes"], listed["total"], listed["before"]) == ([], 2, 0)
    newest, oldest = listed["rankings"]
    assert (newest["best"], newest["worst"]) == (None, None)
    assert (oldest["urls"], oldest["best"], oldest["worst"]) == (quad["urls"], 2, 0)
    assert place.studio.own_votes_list("ann", verdict="four", prompt="no such")["total"] == 0
    assert place.studio.own_votes_list("bob", verdict="four")["rankings"] == []
    assert place.studio.own_votes_list("ann")["rankings"] == []


def test_what_cannot_be_listed_or_said_is_refused(place: Place) -> None:
    place.label(1)
    with pytest.raises(InvalidVerdict, match="is not a verdict"):
        place.studio.own_votes_list("ann", verdict="best")
    with pytest.raises(InvalidRequest, match="before must be a number"):
        place.studio.own_votes_list("ann", before=-1)
    with pytest.raises(InvalidVerdict):
        place.studio.change_vote("ann", own(place)[0]["vote_key"], "best", "k2")
