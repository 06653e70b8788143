"""Keeping the winner: the better image comes again, beside one new image of its prompt."""

import random
from collections import Counter

import pytest
from annotate_doubles import PaintingSampler
from places import Open, Place, until

from annotate.labeling.new_acts import as_vote
from annotate.rendering.kept_winners import MAX_IN_A_ROW, MAX_WAITING

pytestmark = pytest.mark.slow


@pytest.fixture
def min_ready() -> int:
    return 2


def open_pair(place: Place, who: str = "ann", keep: bool = True):
    """The pair that somebody has open."""
    return until(lambda: place.studio.pairs_ahead(who, [], 1, keep_winner=keep)["pairs"])[0]


def images_of(pair) -> list[str]:
    return [pair["left_url"][4:20], pair["right_url"][4:20]]


def spared(place: Place, pair) -> bool:
    """Whether the image after a pair is rendered."""
    return bool(place.studio._kept_winners._spares.get(pair["pair_id"]))


def vote(place: Place, pair, verdict: str = "left", who: str = "ann", key: str = ""):
    key = key or random.randbytes(8).hex()
    return place.studio.vote(as_vote(pair["pair_id"], verdict, who, key), keep_winner=True)


def win(place: Place, pair, verdict: str = "left"):
    """Vote once the next image is rendered, and return the pair in which the winner stays."""
    until(lambda: spared(place, pair))
    return vote(place, pair, verdict).get("next")


def test_a_winner_stays_five_times_each_beside_one_new_image_of_its_prompt(place: Place) -> None:
    pair = open_pair(place)
    until(lambda: place.studio.stats()["ready_pairs"] >= 2)
    images, before, prompt = set(images_of(pair)), sum(place.sampler.requests), pair["prompt"]

    for number in range(1, MAX_IN_A_ROW + 1):
        verdict = random.choice(["left", "right"])
        winner = pair[f"{verdict}_url"]
        pair = win(place, pair, verdict)
        assert (pair["prompt"], pair["in_a_row"]) == (prompt, number)
        assert winner in (pair["left_url"], pair["right_url"])
        assert len(images) + 1 == len(images := images | set(images_of(pair)))

    assert place.studio.next_pair("ann") == pair
    assert "next" not in vote(place, pair), "five times, then another prompt"
    assert "in_a_row" not in place.studio.next_pair("ann")
    assert sum(place.sampler.requests) - before <= MAX_IN_A_ROW + 2, "one new image a vote"


@pytest.mark.parametrize("verdict", ["tie", "both_good", "both_bad", "skip"])
def test_without_a_winner_comes_another_prompt(place: Place, verdict: str) -> None:
    pair = open_pair(place)
    assert win(place, pair, verdict) is None
    assert open_pair(place)["prompt"] != pair["prompt"]


def test_the_winner_is_on_either_side(place: Place) -> None:
    sides = Counter()
    pair = open_pair(place)
    for _ in range(4 * MAX_IN_A_ROW):
        following = win(place, pair)
        sides[following["left_url"] == pair["left_url"]] += 1
        pair = following
        if pair["in_a_row"] == MAX_IN_A_ROW:
            vote(place, pair)
            pair = open_pair(place)
    assert min(sides[True], sides[False]) >= 2


def test_either_winner_meets_the_same_new_image(place: Place) -> None:
    pair = open_pair(place)
    first = win(place, pair, "left")
    place.studio.undo("ann")
    assert place.studio.next_pair("ann")["pair_id"] == pair["pair_id"]

    second = win(place, pair, "right")

    new = set(images_of(first)) - set(images_of(pair))
    assert new == set(images_of(second)) - set(images_of(pair))
    assert pair["right_url"] in (second["left_url"], second["right_url"])


def test_an_undone_vote_takes_the_pair_that_follows_back(open_place: Open) -> None:
    place = open_place()
    pair = open_pair(place)
    following = win(place, pair)
    place.studio.undo("ann")

    answer = place.studio.pairs_ahead("ann", [following["pair_id"], pair["pair_id"]], 0)
    assert answer["passed_over"] == [following["pair_id"]]
    place.studio.sessions.begin("ann", 9)
    place.studio.sessions.set_state("ann", "paused")
    ids = {p["pair_id"] for p in place.studio.pairs_ahead("bob", [], 48)["pairs"]}
    assert following["pair_id"] not in ids
    place.close()

    place = open_place()
    ids = {p["pair_id"] for p in place.studio.pairs_ahead("bob", [], 48)["pairs"]}
    assert pair["pair_id"] in ids and following["pair_id"] not in ids


def test_a_vote_before_the_new_image_brings_the_winner_as_soon_as_it_is_there(
    place: Place,
) -> None:
    pair = open_pair(place)
    until(lambda: place.studio.stats()["ready_pairs"] >= 2 and spared(place, pair))
    place.sampler.brush.clear()
    following = vote(place, pair)["next"]
    assert "next" not in vote(place, following)
    between = place.studio.next_pair("ann")
    assert between["prompt"] != pair["prompt"]

    place.sampler.brush.set()
    ahead = lambda: place.studio.pairs_ahead("ann", [between["pair_id"]], 1)["pairs"]  # noqa: E731
    kept = until(lambda: next((p for p in ahead() if "in_a_row" in p), None))
    assert (kept["in_a_row"], kept["prompt"]) == (2, pair["prompt"])
    assert place.studio.next_pair("ann") == between, "what is on the screen stays there"
    assert vote(place, between, "tie")["next"] == kept


def test_of_somebody_who_votes_faster_than_images_come_only_the_newest_winners_wait(
    open_place: Open,
) -> None:
    place = open_place(min_ready=8)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    place.sampler.brush.clear()
    pairs = place.studio.pairs_ahead("ann", [], 6)["pairs"]
    for pair in pairs:
        assert "next" not in vote(place, pair)

    waiting = [win.pair.pair_id for win in place.studio._kept_winners._waiting]
    assert waiting == [pair["pair_id"] for pair in pairs[-MAX_WAITING:]]
    place.sampler.brush.set()


def test_new_images_beside_winners_and_pairs_of_others_who_wait_come_in_turns(place: Place) -> None:
    pool, kept = place.studio._pool, place.studio._kept_winners
    open_pair(place)
    until(lambda: place.studio.stats()["ready_pairs"] >= 2)
    pool._closing.set()
    pool.wake()
    pool._thread.join()
    pool._closing.clear()
    place.studio.pairs_ahead("cat", [], 48)
    assert place.studio.pairs_ahead("ann", [], 0, keep_winner=True)["pairs"] == []

    def images_of_requests(count: int) -> list[int]:
        place.sampler.requests.clear()
        for _ in range(count):
            kept._spares.clear()
            pool._step()
        return list(place.sampler.requests)

    assert images_of_requests(3) == [1, 1, 1]
    place.studio.pairs_ahead("cat", [], 48)
    assert place.studio.pairs_ahead("bob", [], 1)["pairs"] == []
    assert images_of_requests(2) == [4, 1], "one turn for pairs, the next for the winner"


def test_a_vote_that_arrives_twice_brings_one_pair(place: Place) -> None:
    pair = open_pair(place)
    until(lambda: spared(place, pair))
    first = vote(place, pair, key="one")
    again = vote(place, pair, key="one")
    assert first["next"] == again["next"]
    assert place.store.kept_pairs.after("one") == [first["next"]["pair_id"]]


def test_others_get_the_pair_only_once_its_annotator_pauses(place: Place) -> None:
    following = win(place, open_pair(place))
    seen = [p["pair_id"] for p in place.studio.pairs_ahead("bob", [], 48)["pairs"]]
    assert following["pair_id"] not in seen

    place.studio.sessions.begin("ann", 9)
    place.studio.sessions.set_state("ann", "paused")
    offered = until(lambda: place.studio.pairs_ahead("bob", seen, 48)["pairs"])
    assert following["pair_id"] in [pair["pair_id"] for pair in offered]


def test_others_who_are_asked_about_the_pair_are_not_told_that_a_winner_stays(
    place: Place,
) -> None:
    place.studio.annotations.set_options([], [], 2, "me")
    following = win(place, open_pair(place))
    vote(place, following, "tie")
    offered = until(lambda: place.studio.pairs_ahead("bob", [], 48)["pairs"])
    assert following["pair_id"] in [pair["pair_id"] for pair in offered]
    assert not any("in_a_row" in pair for pair in offered)


def test_votes_in_a_row_are_trained_on_and_a_repeat_or_a_reserved_prompt_ends_the_row(
    place: Place,
) -> None:
    pair = open_pair(place)
    following = win(place, pair)
    copy = place.store.quality.control_pairs.add_copy(pair["pair_id"], "ann", "repeat", swap=True)
    control = {"pair_id": copy.pair_id}
    assert place.studio.next_pair("ann") == following
    # A page votes on a repeat like on any other pair; what was open stays open.
    assert vote(place, control)["next"] == following

    until(lambda: spared(place, following))
    place.studio._prompt_sampler.drop([pair["prompt"]])
    assert "next" not in vote(place, following)
    assert place.store.write_snapshot("emoji-0123456789ab", settle_s=0).counts["preference"] == 2


def test_no_winner_stays_while_a_blind_test_comes_in_between(place: Place) -> None:
    pair = open_pair(place)
    until(lambda: spared(place, pair))
    place.studio._assigner.mix_in("t1")
    assert "next" not in vote(place, pair)


def test_a_new_version_or_another_look_ends_the_row(place: Place) -> None:
    pair = open_pair(place)
    until(lambda: spared(place, pair))
    place.studio.look.change({"steps": 3}, "ann")
    assert "next" not in vote(place, pair)

    pair = open_pair(place)
    until(lambda: spared(place, pair))
    place.studio._assigner.switch("v9")
    assert "next" not in vote(place, pair)


def test_where_images_are_slow_few_pairs_are_rendered_beside_winners(open_place: Open) -> None:
    place = open_place(min_ready=8)
    pool = place.studio._pool
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    place.sampler.brush.clear()
    have = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 3)["pairs"]]
    pool.requests.image_s = 5.0
    assert (place.studio.stats()["ready_pairs"], pool._next_request_size()) == (5, 1)

    place.studio.pairs_ahead("ann", have, 0, keep_winner=True)
    assert pool._next_request_size() == 0
    assert pool.target.pairs == 4
    place.studio.pairs_ahead("ann", have, 2, keep_winner=True)
    assert place.studio.stats()["ready_pairs"] == 3
    assert pool._next_request_size() == 1, "others need some as well"
    place.sampler.brush.set()


def test_nothing_is_rendered_for_whoever_does_not_keep_winners(place: Place) -> None:
    pair = open_pair(place)
    until(lambda: spared(place, pair))
    place.studio.pairs_ahead("ann", [], 1, keep_winner=False)
    assert place.studio._kept_winners.wanted() is None
    place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "plain"))
    assert place.store.kept_pairs.after("plain") == []


def test_a_pair_of_another_look_is_not_asked_for_again_and_again(place: Place) -> None:
    pair = open_pair(place)
    until(lambda: spared(place, pair))
    place.studio._kept_winners._spares.clear()
    place.sampler.brush.clear()
    place.studio.look.change({"steps": 3}, "ann")
    place.sampler.brush.set()
    until(lambda: pair["pair_id"] in place.studio._kept_winners._spares)
    assert place.studio._kept_winners.wanted() is None


def test_a_new_image_that_looks_like_one_of_the_pair_is_rendered_anew(open_place: Open) -> None:
    class Repeating(PaintingSampler):
        """Paints the first two images that are asked for alone in one colour."""

        painted_alone = 0

        def _paint(self, item, adapters, settings):
            alone = self.requests[-1] == 1
            self.painted_alone += alone
            self.dull = (9, 9, 9) if alone and self.painted_alone <= 2 else None
            return super()._paint(item, adapters, settings)

    place = open_place(sampler=Repeating)
    first = win(place, open_pair(place))
    until(lambda: spared(place, first))
    assert place.sampler.painted_alone == 3, "one, one that looks like it, and another"
