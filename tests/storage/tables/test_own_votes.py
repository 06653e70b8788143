"""One's own votes: a list to look through, and changes, each of which is more rows."""

import pytest
from storage_making import BASE, make_image, make_pairs, make_version

from storage import (
    AlreadyVoted,
    BlindTestOver,
    InvalidKey,
    NewAnnotation,
    NewVote,
    UnknownVote,
    Verdict,
)
from storage.acts import Selection
from storage.aggregates.own_votes import OwnVotesFilter

EVERY = OwnVotesFilter()


def keys(store, annotator="ann", wanted=EVERY, before=0, most=10):
    return [vote.key for vote in store.votes.own.page(BASE, annotator, wanted, before, most)]


def rows(store):
    sql = "SELECT key, verdict, winner IS NOT NULL FROM votes ORDER BY vote_id"
    return store._database.read(sql)


def test_ones_own_votes_come_newest_first_and_in_parts(store):
    for number, pair in enumerate(make_pairs(store, 4)):
        store.vote(NewVote.parse(pair.pair_id, "left", "ann", f"k{number}"))
        store.vote(NewVote.parse(pair.pair_id, "left", "bob", f"b{number}"))
    store.undo("ann")

    first = store.votes.own.page(BASE, "ann", EVERY, 0, 2)
    assert [vote.key for vote in first] == ["k2", "k1"]
    assert keys(store, before=first[-1].vote_id) == ["k0"]
    assert store.votes.own.count(BASE, "ann", EVERY) == 3


def test_a_filter_leaves_a_verdict_or_a_part_of_the_prompt(store):
    for number, pair in enumerate(make_pairs(store, 3)):
        verdict = ("left", "tie", "left")[number]
        store.vote(NewVote.parse(pair.pair_id, verdict, "ann", f"k{number}"))
    assert keys(store, wanted=OwnVotesFilter(verdict="tie")) == ["k1"]
    prompt = store.pair(store.votes.own.page(BASE, "ann", EVERY, 0, 1)[0].pair_id).prompt
    assert "k2" in keys(store, wanted=OwnVotesFilter(prompt=prompt[1:].upper()))
    assert keys(store, wanted=OwnVotesFilter(prompt="no such words")) == []


def test_a_vote_comes_with_what_was_said_of_it(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    for kind, name, value in (
        ("strength", "", "2"),
        ("reason", "hands", "on"),
        ("criterion", "style", "right"),
    ):
        store.annotations.record(NewAnnotation("k1", "ann", kind, name, value, f"a-{kind}"))
    (vote,) = store.votes.own.page(BASE, "ann", EVERY, 0, 1)
    assert (vote.strong, vote.reasons, vote.criteria) == (True, ["hands"], {"style": "right"})


def test_a_change_takes_the_vote_back_and_appends_another(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"), Selection("chance", 0.25))
    changed = store.votes.change("k1", Verdict.TIE, "ann", "k2")

    assert rows(store) == [("k1", "left", True), ("k2:before", None, False), ("k2", "tie", False)]
    assert (store.counts(BASE).decisive, store.counts(BASE).ties) == (0, 1)
    chosen = store._database.read("SELECT policy, propensity FROM pair_selection ORDER BY vote_id")
    assert (chosen, changed.duplicate) == ([("chance", 0.25)] * 2, False)


def test_a_change_that_arrives_twice_is_made_once(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    store.votes.change("k1", Verdict.RIGHT, "ann", "k2")
    assert store.votes.change("k1", Verdict.RIGHT, "ann", "k2").duplicate
    store.votes.change("k2", None, "ann", "k3")
    assert store.votes.change("k2", None, "ann", "k3").duplicate
    assert (len(rows(store)), store.counts(BASE).votes) == (4, 0)


def test_a_vote_that_was_taken_back_may_be_given_again(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    with pytest.raises(AlreadyVoted):
        store.vote(NewVote.parse(pair.pair_id, "tie", "ann", "k2"))
    store.votes.change("k1", None, "ann", "u1")
    assert [waiting.pair_id for waiting in store.waiting_pairs(BASE)] == [pair.pair_id]
    store.vote(NewVote.parse(pair.pair_id, "tie", "ann", "k2"))
    assert keys(store) == ["k2"]


def test_an_undo_takes_a_changed_vote_back_as_the_newest(store):
    one, two = make_pairs(store, 2)
    store.vote(NewVote.parse(one.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(two.pair_id, "left", "ann", "k2"))
    store.votes.change("k1", Verdict.RIGHT, "ann", "k3")
    assert (store.undo("ann").key, store.undo("ann").key) == ("k3", "k2")


def test_only_ones_own_current_votes_can_be_changed(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    with pytest.raises(UnknownVote, match="'bob' gave no vote"):
        store.votes.change("k1", Verdict.TIE, "bob", "k2")
    store.votes.change("k1", Verdict.TIE, "ann", "k2")
    with pytest.raises(UnknownVote, match="taken back or changed meanwhile"):
        store.votes.change("k1", Verdict.RIGHT, "ann", "k3")
    with pytest.raises(InvalidKey, match="belongs to a vote"):
        store.votes.change("k2", None, "ann", "k1")


def test_a_vote_of_a_blind_test_can_be_changed_until_the_test_ends(store):
    make_version(store)
    trial = store.blind_tests.create(BASE, "base", "v1", ["a dog"])
    sides = (make_image(store, 7).image_id, make_image(store, 8).image_id)
    asked = store.blind_tests.add_pair(trial, 0, "a dog", "overall", sides, swap=False)
    store.vote(NewVote.parse(asked.pair_id, "left", "ann", "t1"))
    assert store.votes.change("t1", Verdict.RIGHT, "ann", "t2").trial == trial.trial_id
    assert "t2" in keys(store) and not store.votes.own.page(BASE, "ann", EVERY, 0, 9)[0].fixed
    store.blind_tests.set_state(trial.trial_id, "ended")
    with pytest.raises(BlindTestOver, match="has ended, so it stays as it is"):
        store.votes.change("t2", Verdict.LEFT, "ann", "t3")
    assert store.votes.own.page(BASE, "ann", EVERY, 0, 9)[0].fixed
