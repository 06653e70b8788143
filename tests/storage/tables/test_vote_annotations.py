"""What a person adds to a vote: how clear it was, why the loser lost, what won by a criterion."""

import json

import pytest
from storage_making import BASE, annotations_of, make_pair

from storage import InvalidAnnotation, InvalidKey, UnknownVote
from storage.acts import NewAnnotation, NewVote


@pytest.fixture
def voted(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "vote-1"))
    return pair


@pytest.mark.parametrize(
    ("kind", "name", "value", "stored"),
    [
        ("strength", "", "2", "2"),
        ("reason", "hands", "on", "on"),
        ("reason", 'it\'s "odd"', "on", "on"),
        ("criterion", "detail", "left", "the left image"),
        ("criterion", "detail", "right", "the right image"),
        ("criterion", "detail", "tie", "tie"),
    ],
)
def test_every_kind_comes_back(store, voted, kind, name, value, stored):
    store.annotations.record(NewAnnotation("vote-1", "ann", kind, name, value, "k1"))

    stored = {"the left image": voted.left, "the right image": voted.right}.get(stored, stored)
    assert annotations_of(store, "vote-1") == [(kind, name, stored)]


def test_the_newest_counts_an_empty_one_takes_away_and_a_key_counts_once(store, voted):
    store.annotations.record(NewAnnotation("vote-1", "ann", "strength", "", "2", "k1"))
    store.annotations.record(NewAnnotation("vote-1", "ann", "reason", "text", "on", "k2"))
    store.annotations.record(NewAnnotation("vote-1", "ann", "strength", "", "", "k3"))
    store.annotations.record(NewAnnotation("vote-1", "ann", "strength", "", "2", "k1"))

    assert annotations_of(store, "vote-1") == [("reason", "text", "on")]
    assert [name for _, name in store.quality.reasons(BASE)] == ["text"]


def test_annotations_of_an_undone_vote_are_not_current(store, voted):
    store.annotations.record(NewAnnotation("vote-1", "ann", "reason", "text", "on", "k1"))
    assert [store.undo("ann").kind, store.undo("ann").kind] == ["reason", "vote"]
    store.annotations.record(NewAnnotation("vote-1", "ann", "reason", "text", "on", "late"))

    assert annotations_of(store, "vote-1") == []
    assert store.quality.reasons(BASE) == []


def test_a_clear_preference_reaches_the_trainer(store, voted, clock):
    plain = make_pair(store, 1)
    store.vote(NewVote.parse(plain.pair_id, "right", "ann", "vote-2"))
    store.annotations.record(NewAnnotation("vote-1", "ann", "strength", "", "2", "k1"))
    store.annotations.record(NewAnnotation("vote-2", "ann", "reason", "text", "on", "k2"))
    clock.move(60)

    snapshot = store.write_snapshot(BASE)
    lines = (snapshot.path / "pairs.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line).get("strength") for line in lines] == [2, None]


@pytest.mark.parametrize(
    ("vote_key", "annotator", "kind", "name", "value", "error"),
    [
        ("vote-2", "ann", "strength", "", "2", UnknownVote),
        ("vote-1", "bob", "strength", "", "2", UnknownVote),
        ("vote-1", "ann", "mood", "", "2", InvalidAnnotation),
        ("vote-1", "ann", "strength", "", "3", InvalidAnnotation),
        ("vote-1", "ann", "strength", "much", "2", InvalidAnnotation),
        ("vote-1", "ann", "reason", "", "on", InvalidAnnotation),
        ("vote-1", "ann", "reason", "x" * 65, "on", InvalidAnnotation),
        ("vote-1", "ann", "reason", "a\nb", "on", InvalidAnnotation),
        ("vote-1", "ann", "criterion", "detail", "both", InvalidAnnotation),
    ],
)
def test_what_makes_no_sense_is_refused(
    store, voted, vote_key, annotator, kind, name, value, error
):
    with pytest.raises(error):
        store.annotations.record(NewAnnotation(vote_key, annotator, kind, name, value, "k1"))
    assert annotations_of(store, "vote-1") == []


def test_an_annotation_needs_a_key(store, voted):
    with pytest.raises(InvalidKey):
        store.annotations.record(NewAnnotation("vote-1", "ann", "strength", "", "2", ""))
