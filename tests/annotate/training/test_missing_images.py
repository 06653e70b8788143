"""A run goes on without the votes whose images are gone or damaged, and everybody is told."""

import random

import pytest
from places import Open, Place, until

from annotate.errors import NothingToLearn
from annotate.labeling.new_acts import as_vote
from annotate.training.planning.missing_images import MissingImages, left_out_sentence
from annotate.web.html.run_cards import plan_card, run_card

pytestmark = pytest.mark.slow

BASE = "emoji-0123456789ab"


def label(place: Place, count: int) -> list[str]:
    """Vote on pairs, and return the hash of the left image of each."""
    hashes = []
    for _ in range(count):
        pair = until(lambda: place.studio.pairs_ahead("ann", [], 1)["pairs"])[0]
        place.studio.vote(as_vote(pair["pair_id"], "left", "ann", random.randbytes(8).hex()))
        image = place.store.image(pair["left_url"].split("/")[-1].removesuffix(".png"))
        assert image is not None
        hashes.append(image.sha256)
    return hashes


def test_a_run_leaves_out_votes_on_lost_images_and_the_plan_the_run_and_the_page_say_so(
    place: Place,
) -> None:
    gone, flipped, _ = label(place, 3)
    assert "left_out" not in place.studio.plan({})
    place.store.image_path(gone).unlink()
    damaged = place.store.image_path(flipped)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")

    until(lambda: "left_out" in place.studio.plan({}))
    plan = place.studio.plan({})
    assert plan["pairs"] == 1
    for said in ("2 votes are left out", f"{gone}.png (gone)", f"{flipped}.png (damaged)"):
        assert said in plan["left_out"]
    shown = {"held_out": 0, "minutes": 1, "preset": "embedded", "summary": "Little.", **plan}
    assert f"{gone}.png (gone)" in plan_card(shown)

    run_id = place.studio.fine_tune({})["run_id"]
    status, detail = place.reach(run_id, "done"), place.studio.run_detail(run_id)
    assert status["version"] == "v1"
    assert status["left_out"] == detail["left_out"] == plan["left_out"]
    assert (detail["counts"]["preference"], detail["counts"]["image_lost"]) == (1, 2)
    assert "2 votes are left out" in run_card(detail)


def test_a_run_is_refused_in_a_sentence_when_every_image_is_lost(place: Place) -> None:
    (gone,) = label(place, 1)
    place.store.image_path(gone).unlink()
    for ask in (place.studio.plan, place.studio.fine_tune):
        with pytest.raises(NothingToLearn, match=f"No vote is left to learn from.*{gone}"):
            ask({})
    assert place.run_ids() == []


def test_lost_votes_start_no_run_by_themselves_again_and_again(open_place: Open) -> None:
    place = open_place()
    for sha256 in label(place, 3)[:2]:
        place.store.image_path(sha256).unlink()
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    assert place.studio.stats()["until_next_run"] is None
    assert place.store.decisive_since_last_run(BASE) == 0


def test_looking_again_costs_a_twentieth_of_the_time(place: Place) -> None:
    (gone,) = label(place, 1)
    times = iter([0.0, 1.0, 5.0, 20.9, 21.1, 21.2])
    missing = MissingImages(place.store, BASE, lambda: next(times))
    assert missing.votes_of(None).votes == 0
    place.store.image_path(gone).unlink()
    assert [missing.votes_of(None).votes for _ in range(3)] == [0, 0, 1]


def test_only_the_first_images_are_named() -> None:
    told = left_out_sentence(7, {f"images/{n}.png": "gone" for n in range(5)})
    assert told is not None and "images/2.png (gone) and 2 more." in told
    assert left_out_sentence(0, {}) is None
