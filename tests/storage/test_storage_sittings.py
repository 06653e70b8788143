"""A sitting is a goal that goes on wherever its person goes on."""

import pytest
from storage_making import make_pair

from storage import InvalidGoal, NoSitting, Store


def test_a_sitting_counts_what_was_given_in_it_and_survives_a_restart(home, clock):
    with Store(home, clock) as store:
        for seed in range(5):
            make_pair(store, seed)
        pairs = [pair.pair_id for pair in store.waiting_pairs("emoji")]
        store.vote(pairs[0], "left", "ann", "early")
        clock.move(1)
        sitting = store.sittings.begin("ann", 3)
        clock.move(1)
        store.vote(pairs[1], "tie", "ann", "k1", 700)
        store.vote(pairs[2], "left", "bob", "k2", 800)
        clock.move(1)
        store.vote(pairs[3], "right", "ann", "k3", 900)
        store.undo("ann")
    with Store(home, clock) as store:
        assert store.sittings.newest("ann") == sitting
        given = store.sittings.given(sitting)
        assert [(vote.verdict, vote.response_ms) for vote in given] == [("tie", 700)]

        assert store.sittings.turn("ann", "paused").state == "paused"
        assert store.sittings.turn("ann", "ended").state == "ended"
        clock.move(5)
        store.vote(pairs[3], "right", "ann", "later")
        assert len(store.sittings.given(sitting)) == 1
        with pytest.raises(NoSitting):
            store.sittings.turn("ann", "open")


def test_beginning_another_ends_the_one_before(store, clock):
    first = store.sittings.begin("ann", 10)
    clock.move(1)
    second = store.sittings.begin("ann", 20)

    assert store.sittings.newest("ann") == second
    assert first.sitting_id != second.sitting_id
    assert store.sittings.newest("bob") is None


@pytest.mark.parametrize("goal", [0, -1, 10_001])
def test_a_goal_has_a_sensible_size(store, goal):
    with pytest.raises(InvalidGoal):
        store.sittings.begin("ann", goal)
