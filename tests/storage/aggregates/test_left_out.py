"""Votes outside the counts: counted once, and anew after everything that changes them."""

from storage_making import BASE, make_pairs

from storage import NewFlag, NewVote
from storage.aggregates.left_out import LeftOut


def test_the_votes_that_are_in_no_count_follow_every_act(store):
    pairs = make_pairs(store, 3)
    for number, pair in enumerate(pairs):
        receipt = store.vote(NewVote.parse(pair.pair_id, "left", "ann", f"k{number}"))
    assert store.votes.left_out(BASE) == LeftOut(0, 0, 0, 0, 0)
    assert store.votes.left_out("another") == LeftOut(0, 3, 0, 0, 0)

    number = store.quality.exclude(BASE, "slipped", "admin", vote_id=receipt.row_id)
    assert store.votes.left_out(BASE).excluded == 1
    store.quality.lift(BASE, number, "admin")
    assert store.votes.left_out(BASE).excluded == 0

    store.flags.record(NewFlag(pairs[0].pair_id, "bob", "", "f1"))
    assert store.votes.left_out(BASE).flagged == 1
    store.flags.decide(store.flags.all(BASE)[0].flag_id, "shown", "cem")
    assert store.votes.left_out(BASE).flagged == 0
    store.flags.record(NewFlag(pairs[1].pair_id, "eve", "", "f2"))
    assert store.votes.left_out(BASE).flagged == 1
    store.undo("eve")
    assert store.votes.left_out(BASE).flagged == 0

    store.undo("ann")
    assert store.votes.left_out(BASE).taken_back == 1


def test_what_changed_nothing_is_not_counted_again(store):
    (pair,) = make_pairs(store, 1)
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k"))
    assert store.votes.left_out(BASE) is store.votes.left_out(BASE)
