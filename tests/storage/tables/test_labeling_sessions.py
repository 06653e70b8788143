"""A session is a goal that goes on wherever its person goes on."""

import pytest
from storage_making import make_pair

from storage import InvalidGoal, NoLabelingSession, Store
from storage.acts import NewVote


def test_a_session_counts_its_votes_and_survives_a_restart(home, clock):
    with Store(home, clock) as store:
        for seed in range(5):
            make_pair(store, seed)
        pairs = [pair.pair_id for pair in store.waiting_pairs("emoji")]
        store.vote(NewVote.parse(pairs[0], "left", "ann", "early"))
        clock.move(1)
        session = store.sessions.begin("ann", 3)
        clock.move(1)
        store.vote(NewVote.parse(pairs[1], "tie", "ann", "k1", 700))
        store.vote(NewVote.parse(pairs[2], "left", "bob", "k2", 800))
        clock.move(1)
        store.vote(NewVote.parse(pairs[3], "right", "ann", "k3", 900))
        store.undo("ann")
    with Store(home, clock) as store:
        assert store.sessions.newest("ann") == session
        given = store.sessions.votes_in(session)
        assert [(vote.verdict, vote.response_ms) for vote in given] == [("tie", 700)]

        assert store.sessions.set_state("ann", "paused").state == "paused"
        assert store.sessions.set_state("ann", "ended").state == "ended"
        clock.move(5)
        store.vote(NewVote.parse(pairs[3], "right", "ann", "later"))
        assert len(store.sessions.votes_in(session)) == 1
        with pytest.raises(NoLabelingSession):
            store.sessions.set_state("ann", "open")


def test_beginning_another_ends_the_one_before(store, clock):
    first = store.sessions.begin("ann", 10)
    clock.move(1)
    second = store.sessions.begin("ann", 20)

    assert store.sessions.newest("ann") == second
    assert first.session_id != second.session_id
    assert store.sessions.newest("bob") is None


@pytest.mark.parametrize("wrong", [-3600.0, 24 * 3600.0])
def test_a_session_keeps_its_votes_whatever_becomes_of_the_clock(store, clock, wrong):
    pairs = [make_pair(store, seed).pair_id for seed in range(5)]
    store.vote(NewVote.parse(pairs[0], "left", "ann", "early"))
    session = store.sessions.begin("ann", 3)
    store.vote(NewVote.parse(pairs[1], "left", "ann", "k1"))
    clock.step(wrong)
    store.vote(NewVote.parse(pairs[2], "tie", "ann", "k2"))
    store.sessions.set_state("ann", "paused")
    store.sessions.set_state("ann", "open")
    store.vote(NewVote.parse(pairs[3], "left", "ann", "k3"))
    assert store.sessions.count(session) == 3

    store.sessions.set_state("ann", "ended")
    clock.step(-2 * wrong)
    store.vote(NewVote.parse(pairs[4], "left", "ann", "late"))
    assert len(store.sessions.votes_in(session)) == 3
    another = store.sessions.begin("ann", 5)
    assert store.sessions.newest("ann") == another


def test_a_session_from_before_there_were_bounds_goes_by_its_times(store, clock):
    pairs = [make_pair(store, seed).pair_id for seed in range(4)]
    for number, pair_id in enumerate(pairs):
        clock.move(1)
        if number == 1:
            session = store.sessions.begin("ann", 3)
        if number == 3:
            store.sessions.set_state("ann", "ended")
        clock.move(1)
        store.vote(NewVote.parse(pair_id, "left", "ann", f"k{number}"))
    forget = "DELETE FROM labeling_session_bounds"
    store._database.write(lambda cursor: cursor.execute(forget))

    assert len(store.sessions.votes_in(session)) == 2


@pytest.mark.parametrize("goal", [0, -1, 10_001])
def test_a_goal_has_a_sensible_size(store, goal):
    with pytest.raises(InvalidGoal):
        store.sessions.begin("ann", goal)
