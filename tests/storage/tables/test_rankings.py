"""Best and worst of four: one ranking, which a run reads as five pairs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_making import BASE, make_image, make_pair

from storage import (
    AlreadyVoted,
    Counts,
    InvalidKey,
    InvalidRanking,
    NothingToUndo,
    Quad,
    Store,
    UnknownImage,
    UnknownQuad,
)
from storage.acts import NewRanking, NewVote


@pytest.fixture
def quad(store: Store) -> Quad:
    images = [make_image(store, seed).image_id for seed in range(4)]
    return store.quads.add("a cat", images, BASE, "base")


def ranked(store: Store) -> list[tuple]:
    """What the current rankings name as the best and the worst."""
    return store._database.read("SELECT best, worst FROM current_rankings ORDER BY ranking_id")


def test_a_ranking_names_images_and_comes_back(store, quad):
    store.rankings.record(NewRanking(quad.quad_id, 2, 0, "ann", "k1", 900))
    store.rankings.record(NewRanking(quad.quad_id, 2, 0, "ann", "k1", 900))

    assert ranked(store) == [(quad.images[2], quad.images[0])]
    assert store.counts(BASE) == Counts(votes=1, decisive=1, ties=0, skipped=0)
    assert store.decisive(BASE, "ann") == 1
    assert store.quads.open(BASE) == []


def test_a_skip_and_an_undo_say_nothing(store, quad):
    store.rankings.record(NewRanking(quad.quad_id, None, None, "ann", "k1"))
    assert store.counts(BASE) == Counts(votes=1, decisive=0, ties=0, skipped=1)
    assert ranked(store) == [(None, None)]

    assert store.undo("ann", "u1").about == quad
    assert store.undo("ann", "u1").about == quad
    assert store.counts(BASE).votes == 0
    assert store.quads.open(BASE) == [quad]
    with pytest.raises(NothingToUndo):
        store.undo("ann", "u2")


def test_a_run_reads_ranks_and_trains_on_each_ranking_once(store, quad, clock):
    store.rankings.record(NewRanking(quad.quad_id, 1, 3, "ann", "k1"))
    pair = make_pair(store, 5)
    store.vote(NewVote.parse(pair.pair_id, "left", "bob", "k2"))
    clock.move(60)
    snapshot = store.write_snapshot(BASE)

    *_, line = (snapshot.path / "pairs.jsonl").read_text("utf-8").splitlines()
    row = json.loads(line)
    assert (row["kind"], row["ranks"]) == ("ranking", [1, 0, 1, 2])
    assert all((snapshot.path / name).is_file() for name in row["images"])
    assert snapshot.counts["ranking"] == 1
    assert store.write_snapshot(BASE, voter="bob").counts.get("ranking") is None

    assert store.decisive_since_last_run(BASE) == 2
    run = store.create_run(snapshot.snapshot_id, BASE, "base", {}, "by hand")
    store.set_run_state(run.run_id, "done")
    assert store.decisive_since_last_run(BASE) == 0


def test_rankings_alone_are_enough_to_train_on(store, quad, clock):
    store.rankings.record(NewRanking(quad.quad_id, 1, 3, "ann", "k1"))
    clock.move(60)
    assert store.write_snapshot(BASE).counts == {
        "preference": 0, "tie": 0, "both_good": 0, "both_bad": 0, "skip": 0,
        "unsettled": 0, "undone": 0, "ranking": 1,
    }  # fmt: skip


@given(best=st.none() | st.integers(-1, 5), worst=st.none() | st.integers(-1, 5))
def test_only_two_different_places_make_a_ranking(best, worst):
    shown = Quad("q", "a cat", ("a", "b", "c", "d"), "base")
    if best is None and worst is None:
        assert NewRanking("q", best, worst, "ann", "k").chosen(shown) == (None, None)
    elif best in range(4) and worst in range(4) and best != worst:
        ranking = NewRanking("q", best, worst, "ann", "k")
        assert ranking.chosen(shown) == (shown.images[best], shown.images[worst])
    else:
        with pytest.raises(InvalidRanking):
            NewRanking("q", best, worst, "ann", "k")


def test_bad_requests_are_refused(store, quad):
    store.rankings.record(NewRanking(quad.quad_id, 0, 1, "ann", "k1"))
    store.undo("ann", "u1")
    store.rankings.record(NewRanking(quad.quad_id, 0, 1, "ann", "k2"))
    for error, act in (
        (UnknownQuad, lambda: store.rankings.record(NewRanking("nothing", 0, 1, "ann", "k3"))),
        (AlreadyVoted, lambda: store.rankings.record(NewRanking(quad.quad_id, 0, 1, "ann", "k3"))),
        (InvalidKey, lambda: store.rankings.record(NewRanking(quad.quad_id, 0, 1, "ann", "u1"))),
        (InvalidKey, lambda: store.undo("ann", "k2")),
        (InvalidRanking, lambda: store.quads.add("a", quad.images[:3], BASE, "base")),
        (UnknownImage, lambda: store.quads.add("a", [*"abcd"], BASE, "base")),
    ):
        with pytest.raises(error):
            act()
