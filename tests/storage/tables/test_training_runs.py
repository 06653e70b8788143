import pytest
from storage_making import BASE, make_pair, make_pairs

from storage import InvalidState, Run, Store, UnknownRun, UnknownSnapshot, UnknownVersion
from storage.acts import NewVote

SETTINGS = {"steps": 300, "rank": 16}


def start_run(store: Store) -> Run:
    snapshot = store.write_snapshot(BASE, settle_s=0)
    return store.create_run(snapshot.snapshot_id, BASE, "base", SETTINGS, "click")


@pytest.fixture
def run(store: Store) -> Run:
    store.vote(NewVote.parse(make_pair(store).pair_id, "left", "ann", "k1"))
    return start_run(store)


def test_a_run_starts_queued_and_remembers_what_it_was_given(store, clock, run):
    assert run == store.run("r0001")
    assert run == Run(
        run_id="r0001",
        state="queued",
        snapshot_id="s0001",
        base=BASE,
        parent="base",
        settings=SETTINGS,
        created=clock.now,
        error=None,
        trigger="click",
    )


def test_the_newest_state_counts_and_a_resumed_run_has_no_error(store, run):
    store.set_run_state(run.run_id, "running")
    failed = store.set_run_state(run.run_id, "failed", "out of memory")
    assert (failed.state, failed.error) == ("failed", "out of memory")

    resumed = store.set_run_state(run.run_id, "running")

    assert (resumed.state, resumed.error) == ("running", None)
    assert store.run(run.run_id) == resumed


def test_saying_the_same_state_again_adds_no_row(store, run):
    for _ in range(3):
        store.set_run_state(run.run_id, "running")

    states = store._database.read("SELECT state FROM run_states ORDER BY run_state_id")
    assert states == [("queued",), ("running",)]


def test_runs_come_newest_first_and_by_model(store, run):
    second = start_run(store)

    assert store.runs(BASE) == [second, run]
    assert store.runs("another model") == []


def test_a_run_has_a_folder_of_its_own_in_the_studio(store, home, run):
    assert store.run_dir(run.run_id) == home / "runs" / "r0001"


@pytest.mark.parametrize("run_id", ["r9999", "", "../..", "'"])
def test_an_unknown_run_is_refused_everywhere(store, run, run_id):
    for ask in (store.run, store.run_dir, lambda name: store.set_run_state(name, "done")):
        with pytest.raises(UnknownRun):
            ask(run_id)


def test_a_run_needs_a_snapshot_a_parent_and_a_state_that_exist(store, run):
    with pytest.raises(UnknownSnapshot, match="s0099"):
        store.create_run("s0099", BASE, "base", {}, "click")
    with pytest.raises(UnknownVersion, match="v7"):
        store.create_run(run.snapshot_id, BASE, "v7", {}, "click")
    with pytest.raises(InvalidState, match="sleeping"):
        store.set_run_state(run.run_id, "sleeping")
    assert store.runs(BASE) == [run]


def test_votes_count_towards_the_next_run_until_a_run_trained_on_them(store, run):
    assert store.decisive_since_last_run(BASE) == 0
    for number, pair in enumerate(make_pairs(store, 3)):
        store.vote(NewVote.parse(pair.pair_id, "right" if number else "tie", "ann", f"n{number}"))
    assert store.decisive_since_last_run(BASE) == 2

    second = start_run(store)
    assert store.decisive_since_last_run(BASE) == 0
    store.set_run_state(second.run_id, "interrupted")
    assert store.decisive_since_last_run(BASE) == 0


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_votes_of_a_run_that_came_to_nothing_count_again(store, run, state):
    store.set_run_state(run.run_id, state)

    assert store.decisive_since_last_run(BASE) == 1


def test_an_undone_vote_does_not_count_towards_the_next_run(store, run):
    (pair,) = make_pairs(store, 1)
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k2"))
    store.undo("ann")

    assert store.decisive_since_last_run(BASE) == 0
