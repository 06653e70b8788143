"""A reported pair is shown to nobody and teaches nothing until it is shown again."""

import pytest
from storage_making import BASE, make_pair

from storage import InvalidFlag, NoVotes, UnknownFlag, UnknownPair
from storage.acts import NewFlag, NewVote


def test_a_flag_hides_the_pair_and_its_votes_until_it_is_shown_again(store, pair, clock):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    other = make_pair(store, 1)
    store.flags.record(NewFlag(pair.pair_id, "bob", "not for work", "r1"))
    store.flags.record(NewFlag(other.pair_id, "bob", "", "r2"))
    clock.move(60)

    assert store.waiting_pairs(BASE) == store.pairs.open(BASE, 2) == []
    assert store.counts(BASE).votes == 0
    assert store.flags.is_hidden(pair.pair_id)
    with pytest.raises(NoVotes):
        store.write_snapshot(BASE)

    newest, first = store.flags.all(BASE)
    assert (first.note, first.annotator, first.decision) == ("not for work", "bob", "open")
    assert store.flags.decide(first.flag_id, "shown", "cem").decision == "shown"
    assert store.flags.decide(newest.flag_id, "hidden", "cem").decision == "hidden"
    assert store.counts(BASE).votes == 1
    assert [p.pair_id for p in store.pairs.open(BASE, 2)] == [pair.pair_id]
    assert store.write_snapshot(BASE).counts["preference"] == 1


def test_the_same_key_flags_once_and_one_open_flag_is_enough_to_hide(store, pair):
    for key in ("r1", "r1", "r2"):
        store.flags.record(NewFlag(pair.pair_id, "bob", "", key))
    assert len(store.flags.all(BASE)) == 2

    store.flags.decide(1, "shown", "cem")
    assert store.flags.is_hidden(pair.pair_id)


def test_what_makes_no_sense_is_refused(store, pair):
    with pytest.raises(UnknownPair):
        store.flags.record(NewFlag("nothing", "bob", "", "r1"))
    with pytest.raises(InvalidFlag):
        store.flags.record(NewFlag(pair.pair_id, "bob", "x" * 501, "r1"))
    with pytest.raises(UnknownFlag):
        store.flags.decide(7, "shown", "cem")
    with pytest.raises(InvalidFlag):
        store.flags.decide(1, "burned", "cem")
