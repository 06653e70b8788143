"""Votes settle by their order and by the life of the app, whatever the clock on the wall says."""

import json

import pytest
from storage_making import BASE, make_image, make_pairs

from storage import NoVotes, Store
from storage.acts import NewRanking, NewVote

DAY = 24 * 3600.0
WRONG = (DAY, -3600.0, 60 * DAY, -20 * 365 * DAY)
"""Seconds that a clock was put forward or back: a day ahead, a machine resumed, no battery."""


def ranked(store: Store, annotator: str, key: str) -> None:
    images = [make_image(store, 100 + number).image_id for number in range(4)]
    quad = store.quads.add("a cat", images, BASE, "base")
    store.rankings.record(NewRanking(quad.quad_id, 0, 3, annotator, key))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_vote_given_by_a_wrong_clock_is_settled_once_the_app_has_gone_on(store, clock, wrong):
    clock.step(wrong)
    vote = store.vote(NewVote.parse(make_pairs(store, 1)[0].pair_id, "left", "ann", "k1"))
    ranked(store, "ann", "k2")
    clock.step(-wrong)
    with pytest.raises(NoVotes, match="wait 10 s"):
        store.write_snapshot(BASE)

    clock.move(10)

    snapshot = store.write_snapshot(BASE)
    assert snapshot.vote_ids == (vote.row_id,)
    assert (snapshot.counts["ranking"], snapshot.counts["unsettled"]) == (1, 0)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_clock_that_is_put_right_settles_no_vote_early_and_unsettles_none(store, clock, wrong):
    first, second = make_pairs(store, 2)
    old = store.vote(NewVote.parse(first.pair_id, "left", "ann", "k1"))
    clock.move(10)
    store.vote(NewVote.parse(second.pair_id, "left", "ann", "k2"))
    clock.step(wrong)

    snapshot = store.write_snapshot(BASE)

    assert snapshot.vote_ids == (old.row_id,) and snapshot.counts["unsettled"] == 1


def test_votes_from_the_future_that_an_earlier_app_took_are_settled_soon(home, clock):
    with Store(home, clock, clock.monotonic) as store:
        store.ensure_base(BASE)
        first, second = make_pairs(store, 2)
        store.vote(NewVote.parse(first.pair_id, "left", "ann", "k1"))
        clock.step(DAY)
        store.vote(NewVote.parse(second.pair_id, "right", "ann", "k2"))
        ranked(store, "ann", "k3")
        clock.step(-DAY)
    clock.move(11)
    with Store(home, clock, clock.monotonic) as store:
        before = store.write_snapshot(BASE)
        assert len(before.vote_ids) == 1 and before.counts["unsettled"] == 1
        clock.move(10)
        after = store.write_snapshot(BASE)
    assert len(after.vote_ids) == 2 and after.counts["ranking"] == 1
    manifest = json.loads((after.path / "manifest.json").read_text("utf-8"))
    assert manifest["counts"]["unsettled"] == 0
