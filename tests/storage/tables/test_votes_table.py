import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_making import BASE, make_pair, make_pairs

from storage import (
    AlreadyVoted,
    Counts,
    InvalidAnnotator,
    InvalidKey,
    InvalidVerdict,
    NothingToUndo,
    Store,
    UnknownPair,
    Verdict,
    new_id,
)
from storage.acts import ActReceipt, NewVote

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)


def rows(store: Store) -> list[tuple]:
    """What the table of votes holds, in order."""
    return store._database.read(
        "SELECT pair_id, annotator, verdict, winner, left_image, response_ms, supersedes "
        "FROM votes ORDER BY vote_id"
    )


@pytest.mark.slow
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(annotator=names)
def test_any_name_can_vote_and_undo(store, pair, annotator):
    key = new_id()
    receipt = store.vote(NewVote.parse(pair.pair_id, "left", annotator, key))

    assert rows(store)[-1][1] == annotator
    assert store.vote(NewVote.parse(pair.pair_id, "left", annotator, key)).row_id == receipt.row_id
    assert store.undo(annotator).about == pair


@pytest.mark.parametrize("verdict", Verdict)
def test_a_vote_stores_who_won_and_what_was_shown(store, pair, verdict):
    store.vote(NewVote.parse(pair.pair_id, verdict, 'it\'s "me"', "k1", response_ms=412))

    winner = {"left": pair.left, "right": pair.right}.get(verdict)
    expected = (pair.pair_id, 'it\'s "me"', verdict, winner, pair.left, 412, None)
    assert rows(store) == [expected]


def test_the_same_key_counts_once(store, pair):
    first = store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    again = store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))

    assert first == ActReceipt("k1", first.row_id, duplicate=False)
    assert again == ActReceipt("k1", first.row_id, duplicate=True)
    assert store.counts(BASE) == Counts(votes=1, decisive=1, ties=0, skipped=0)
    assert len(rows(store)) == 1


def test_a_key_answers_for_its_first_vote_whatever_it_is_sent_with(store):
    one, two = make_pairs(store, 2)
    receipt = store.vote(NewVote.parse(one.pair_id, "left", "ann", "k1"))

    assert store.vote(NewVote.parse(two.pair_id, "right", "bob", "k1")).row_id == receipt.row_id
    assert store.waiting_pairs(BASE) == [two]


def test_a_late_repeat_does_not_bring_an_undone_vote_back(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    store.undo("ann")

    assert store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1")).duplicate
    assert store.counts(BASE).votes == 0


def test_a_second_vote_on_a_pair_needs_an_undo_first(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))

    with pytest.raises(AlreadyVoted, match=r"'ann'.*'left'.*Undo"):
        store.vote(NewVote.parse(pair.pair_id, "right", "ann", "k2"))

    store.undo("ann")
    store.vote(NewVote.parse(pair.pair_id, "right", "ann", "k3"))
    with pytest.raises(AlreadyVoted, match="'right'"):
        store.vote(NewVote.parse(pair.pair_id, "tie", "ann", "k4"))
    assert [row[2] for row in rows(store)] == ["left", None, "right"]


def test_two_people_may_vote_on_one_pair(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(pair.pair_id, "right", "bob", "k2"))

    assert store.counts(BASE).decisive == 2


def test_undo_takes_back_ones_own_votes_newest_first(store):
    one, two, three = make_pairs(store, 3)
    store.vote(NewVote.parse(one.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(two.pair_id, "tie", "ann", "k2"))
    store.vote(NewVote.parse(three.pair_id, "left", "bob", "k3"))

    assert [store.undo("ann").about, store.undo("ann").about] == [two, one]
    with pytest.raises(NothingToUndo, match="'ann'"):
        store.undo("ann")
    assert store.counts(BASE) == Counts(votes=1, decisive=1, ties=0, skipped=0)


def test_the_same_undo_key_takes_back_once(store):
    one, two = make_pairs(store, 2)
    store.vote(NewVote.parse(one.pair_id, "left", "ann", "k1"))
    store.vote(NewVote.parse(two.pair_id, "left", "ann", "k2"))

    assert [store.undo("ann", "u1").about, store.undo("ann", "u1").about] == [two, two]
    assert store.counts(BASE).votes == 1


def test_an_undo_is_one_more_row(store, pair):
    vote_id = store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1")).row_id
    before = rows(store)

    store.undo("ann")

    undo = (pair.pair_id, "ann", None, None, pair.left, None, vote_id)
    assert rows(store) == [*before, undo]


def test_a_key_belongs_to_one_kind_of_act(store):
    one, two = make_pairs(store, 2)
    store.vote(NewVote.parse(one.pair_id, "left", "ann", "k1"))
    with pytest.raises(InvalidKey, match="belongs to a vote"):
        store.undo("ann", "k1")

    store.undo("ann", "u1")
    with pytest.raises(InvalidKey, match="belongs to an undo"):
        store.vote(NewVote.parse(two.pair_id, "left", "ann", "u1"))


def test_votes_are_counted_by_kind_and_by_model(store):
    for number, (pair, verdict) in enumerate(zip(make_pairs(store, 6), Verdict, strict=True)):
        store.vote(NewVote.parse(pair.pair_id, verdict, "ann", f"k{number}"))
        # Asked after every vote, so that both ways of counting are tried.
        assert store.counts(BASE).votes == number + 1

    assert store.counts(BASE) == Counts(votes=6, decisive=2, ties=3, skipped=1)
    assert store.counts("another model") == Counts(0, 0, 0, 0)


def test_counts_survive_closing(home, store):
    pair = make_pair(store)
    store.vote(NewVote.parse(pair.pair_id, "tie", "ann", "k1"))
    before = store.counts(BASE)
    store.close()

    with Store(home) as reopened:
        assert reopened.counts(BASE) == before == Counts(1, 0, 1, 0)
        assert reopened.vote(NewVote.parse(pair.pair_id, "tie", "ann", "k1")).duplicate


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (UnknownPair, {"pair_id": "nothing"}),
        (InvalidVerdict, {"verdict": "chosen"}),
        (InvalidAnnotator, {"annotator": ""}),
        (InvalidAnnotator, {"annotator": "x" * 65}),
        (InvalidAnnotator, {"annotator": "a\nb"}),
        (InvalidKey, {"key": ""}),
        (InvalidKey, {"key": "x" * 201}),
        (InvalidKey, {"key": "a\x00b"}),
    ],
)
def test_a_vote_that_makes_no_sense_is_refused_and_not_recorded(store, pair, error, change):
    with pytest.raises(error):
        store.vote(
            NewVote.parse(
                **{"pair_id": pair.pair_id, "verdict": "left", "annotator": "a", "key": "k"}
                | change
            )
        )

    assert rows(store) == []
