"""What a person who labels meets."""

import pytest
from annotate_doubles import PaintingSampler
from places import Open, Place, until

from annotate.errors import AnnotateError
from annotate.labeling.new_acts import as_vote
from storage.errors import AlreadyVoted, InvalidVerdict, NothingToUndo, UnknownPair


def first_pair(place: Place, annotator: str = "ann") -> dict[str, str]:
    return dict(until(lambda: place.studio.pairs_ahead(annotator, [], 1)["pairs"])[0])


def test_the_open_pair_comes_again_until_it_is_voted_on(place: Place) -> None:
    pair = first_pair(place)
    assert place.studio.next_pair("ann") == pair
    place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "k1"))
    until(lambda: place.studio.stats()["ready_pairs"])
    assert place.studio.next_pair("ann")["pair_id"] != pair["pair_id"]


def test_a_pair_shows_two_images_of_one_prompt_by_opaque_addresses(place: Place) -> None:
    pair = first_pair(place)
    assert set(pair) == {"pair_id", "prompt", "left_url", "right_url"}
    ids = [
        pair[side].removeprefix("img/").removesuffix(".png") for side in ("left_url", "right_url")
    ]
    left, right = (place.store.image(image_id) for image_id in ids)
    assert left and right and left.recipe["prompt"] == right.recipe["prompt"] == pair["prompt"]
    assert left.recipe["seed"] != right.recipe["seed"]
    file = place.studio.image_file(ids[0])
    assert file is not None and file.is_file()
    assert place.studio.image_file("0" * 16) is None


@pytest.mark.slow
def test_two_people_never_get_the_same_pair(open_place: Open) -> None:
    place = open_place(min_ready=24)
    until(lambda: place.studio.stats()["ready_pairs"] >= 12)
    pairs = [place.studio.pairs_ahead(name, [], 4)["pairs"] for name in ("ann", "bob", "cem")]
    ids = [pair["pair_id"] for held in pairs for pair in held]
    assert len(ids) == len(set(ids)) == 12


def test_a_page_gets_pairs_ahead_that_it_does_not_have_yet(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    first = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 4)["pairs"]]
    more = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", first, 3)["pairs"]]
    again = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 7)["pairs"]]
    assert len(more) == 3 and not set(first) & set(more)
    assert again == first + more


@pytest.mark.slow
def test_a_page_keeps_its_pairs_when_the_app_restarts(open_place: Open) -> None:
    place = open_place()
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    mine = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 4)["pairs"]]
    place.close()
    studio = open_place(min_ready=24).studio
    studio.pairs_ahead("ann", mine, 1)
    until(lambda: studio.stats()["ready_pairs"] >= 24)
    others = [pair["pair_id"] for pair in studio.pairs_ahead("bob", [], 24)["pairs"]]
    assert not set(mine) & set(others)


def test_pairs_of_somebody_who_went_away_are_offered_to_others(open_place: Open) -> None:
    clock = {"now": 0.0}
    place = open_place(clock=lambda: clock["now"])
    pair = first_pair(place, "ann")
    clock["now"] += 3600.0
    assert place.studio.next_pair("bob") == pair


def test_somebody_who_is_still_there_keeps_the_pairs(open_place: Open) -> None:
    clock = {"now": 0.0}
    place = open_place(clock=lambda: clock["now"])
    pair = first_pair(place, "ann")
    for _ in range(10):
        clock["now"] += 600.0
        place.studio.stats("ann")
    assert first_pair(place, "bob") != pair
    assert place.studio.next_pair("ann") == pair


def test_undo_opens_the_newest_pair_first_and_then_the_one_before(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    voted = []
    for key in ("k1", "k2"):
        voted.append(first_pair(place))
        place.studio.vote(as_vote(voted[-1]["pair_id"], "right", "ann", key))
    assert place.studio.undo("ann")["pair"] == voted[1] == place.studio.next_pair("ann")
    assert place.studio.undo("ann")["pair"] == voted[0] == place.studio.next_pair("ann")
    assert place.studio.stats()["votes"] == 0
    with pytest.raises(NothingToUndo):
        place.studio.undo("ann")


def test_an_undo_sent_twice_takes_back_one_vote(place: Place) -> None:
    place.label(2)
    pair = place.studio.undo("ann", "u1")["pair"]
    assert place.studio.undo("ann", "u1")["pair"] == pair
    assert place.studio.stats()["votes"] == 1
    place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "k3"))
    place.studio.undo("ann", "u1")
    until(lambda: place.studio.stats()["ready_pairs"])
    assert place.studio.next_pair("ann") != pair


def test_a_vote_sent_twice_counts_once(place: Place) -> None:
    pair = first_pair(place)
    for _ in range(2):
        receipt = place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "k1"))
        assert receipt == {"accepted": True, "key": "k1", "votes": 1, "until_next_run": None}


def test_a_late_copy_of_a_vote_does_not_take_away_the_pair_that_was_undone(place: Place) -> None:
    pair = first_pair(place)
    place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "k1"))
    place.studio.undo("ann", "u1")
    place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "k1"))
    assert place.studio.next_pair("ann") == pair


def test_every_verdict_is_counted_for_what_it_is(place: Place) -> None:
    for verdict in ("left", "right", "tie", "both_good", "both_bad", "skip"):
        place.label(1, verdict)
    stats = place.studio.stats()
    counted = {name: stats[name] for name in ("votes", "decisive", "ties", "skipped")}
    assert counted == {"votes": 6, "decisive": 2, "ties": 3, "skipped": 1}


def test_bad_votes_are_refused_and_nothing_is_lost(place: Place) -> None:
    pair = first_pair(place)
    with pytest.raises(UnknownPair):
        place.studio.vote(as_vote("0" * 16, "left", "ann", "k1"))
    with pytest.raises(InvalidVerdict):
        place.studio.vote(as_vote(pair["pair_id"], "middle", "ann", "k1"))
    with pytest.raises(AnnotateError, match="64"):
        place.studio.vote(as_vote(pair["pair_id"], "left", "a" * 65, "k1"))
    assert place.studio.next_pair("ann") == pair
    place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "k1"))
    with pytest.raises(AlreadyVoted):
        place.studio.vote(as_vote(pair["pair_id"], "right", "ann", "k2"))
    assert place.studio.stats()["votes"] == 1


def test_nobody_is_me(place: Place) -> None:
    pair = first_pair(place, "")
    assert place.studio.next_pair("me") == pair == place.studio.next_pair("  ")


def test_while_nothing_is_ready_one_is_told_why_and_for_how_long(open_place: Open) -> None:
    class Loading(PaintingSampler):
        def start(self) -> None:
            self.brush.clear()
            self.current = "loading"

    place = open_place(sampler=Loading)
    answer = place.studio.next_pair("ann")
    assert set(answer) == {"wait_s", "reason"}
    assert answer["wait_s"] > 0 and answer["reason"] == "Loading the image model."
    assert place.studio.activity()["message"] == "Loading the image model."
    place.sampler.current = "ready"
    place.sampler.brush.set()
    assert first_pair(place)
