import pytest
from storage_making import BASE, make_image, make_pair, make_pairs

from storage import InvalidPrompt, UnknownImage, UnknownPair
from storage.acts import NewVote


def test_a_pair_keeps_the_sides_it_was_made_with(store):
    one, two = make_image(store, 1), make_image(store, 2)

    pair = store.add_pair("it's a cat", two.image_id, one.image_id, BASE, "v3")

    assert store.pair(pair.pair_id) == pair
    assert (pair.left, pair.right) == (two.image_id, one.image_id)
    assert (pair.prompt, pair.version) == ("it's a cat", "v3")


def test_a_pair_needs_two_stored_images_and_a_prompt(store):
    image_id = make_image(store, 1).image_id

    with pytest.raises(UnknownImage, match="nothing"):
        store.add_pair("a cat", image_id, "nothing", BASE, "base")
    with pytest.raises(InvalidPrompt):
        store.add_pair("", image_id, image_id, BASE, "base")
    assert store.waiting_pairs(BASE) == []


def test_an_unknown_pair_is_named(store):
    with pytest.raises(UnknownPair, match="abc"):
        store.pair("abc")


def test_pairs_wait_oldest_first_for_a_vote_by_anybody(store):
    first, second, third = make_pairs(store, 3)
    assert store.waiting_pairs(BASE) == [first, second, third]

    store.vote(NewVote.parse(second.pair_id, "skip", "ann", "k1"))

    assert store.waiting_pairs(BASE) == [first, third]
    assert store.waiting_pairs(BASE, limit=1) == [first]
    assert store.waiting_pairs("another model") == []


def test_a_pair_made_after_the_first_question_waits_too(store):
    assert store.waiting_pairs(BASE) == []

    pair = make_pair(store)

    assert store.waiting_pairs(BASE) == [pair]


def test_an_undone_pair_waits_again_in_its_old_place(store):
    first, second = make_pairs(store, 2)
    store.vote(NewVote.parse(first.pair_id, "left", "ann", "k1"))
    assert store.waiting_pairs(BASE) == [second]

    store.undo("ann")

    assert store.waiting_pairs(BASE) == [first, second]


def test_a_pair_waits_only_when_nobody_has_a_current_vote_on_it(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(pair.pair_id, "left", "bob", "k2"))

    store.undo("ann")
    assert store.waiting_pairs(BASE) == []
    store.undo("bob")
    assert store.waiting_pairs(BASE) == [pair]
