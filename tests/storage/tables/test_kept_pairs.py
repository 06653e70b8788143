"""Pairs that show a winner again know the vote that they follow, and go with it."""

import json

import pytest
from storage_making import BASE, make_image, make_pair

from storage import UnknownImage
from storage.acts import NewVote
from storage.tables.pairs import KeptFrom, following


def vote(store, pair, verdict="left", key="k1", who="ann"):
    store.vote(NewVote.parse(pair.pair_id, verdict, who, key))


def keep(store, pair, winner, seed, key="k1"):
    """Store a pair of a winner and a new image, as after the vote under this key."""
    new = make_image(store, seed).image_id
    came_from = KeptFrom(pair.pair_id, key, "ann")
    return store.kept_pairs.add(following(pair, winner, new, "ann"), BASE, came_from)


def test_a_kept_pair_is_a_pair_that_knows_the_vote_it_follows(store):
    pair = make_pair(store)
    vote(store, pair)

    kept = keep(store, pair, pair.left, 10)

    assert store.pair(kept.pair_id) == kept
    assert [store.pair(shown.pair_id).in_a_row for shown in (pair, kept)] == [0, 1]
    assert [store.pair(shown.pair_id).kept_by for shown in (pair, kept)] == [None, "ann"]
    assert store.kept_pairs.after("k1") == [kept.pair_id]
    assert store.waiting_pairs(BASE) == [kept]


def test_a_kept_pair_of_an_image_that_is_not_there_leaves_nothing(store):
    pair = make_pair(store)
    vote(store, pair)

    with pytest.raises(UnknownImage):
        kept = following(pair, pair.left, "nothing", "ann")
        store.kept_pairs.add(kept, BASE, KeptFrom(pair.pair_id, "k1", "ann"))
    assert store.kept_pairs.after("k1") == []
    assert store.waiting_pairs(BASE) == []


def test_an_undone_vote_takes_its_kept_pair_back(store):
    pair = make_pair(store)
    vote(store, pair)
    kept = keep(store, pair, pair.left, 10)
    assert [one.pair_id for one in store.pairs.open(BASE, 2)] == [pair.pair_id, kept.pair_id]

    store.undo("ann")

    assert store.waiting_pairs(BASE) == [pair]
    assert [one.pair_id for one in store.pairs.open(BASE, 2)] == [pair.pair_id]


def test_a_vote_of_somebody_else_on_a_pair_that_was_taken_back_counts(store):
    pair = make_pair(store)
    vote(store, pair)
    kept = keep(store, pair, pair.left, 10)
    vote(store, kept, "right", "k2", "bea")
    store.undo("ann")

    assert store.counts(BASE).decisive == 1
    assert store.write_snapshot(BASE, settle_s=0).counts["preference"] == 1


def test_counts_after_an_undo_are_those_of_a_studio_opened_anew(store):
    pair = make_pair(store)
    vote(store, pair)
    keep(store, pair, pair.left, 10)
    before = store.waiting_pairs(BASE)
    store.undo("ann")
    running = store.waiting_pairs(BASE)

    store._counts.invalidate()

    assert len(before) == 1
    assert running == store.waiting_pairs(BASE)


def test_a_snapshot_says_how_often_in_a_row_a_winner_was_kept(store):
    pair = make_pair(store)
    vote(store, pair)
    second = keep(store, pair, pair.left, 10)
    vote(store, second, "left", "k2")
    third = keep(store, second, second.left, 11, "k2")
    vote(store, third, "tie", "k3")

    snapshot = store.write_snapshot(BASE, settle_s=0)
    rows = map(json.loads, (snapshot.path / "pairs.jsonl").read_text().splitlines())

    assert [row.get("in_a_row", 0) for row in rows] == [0, 1, 2]
