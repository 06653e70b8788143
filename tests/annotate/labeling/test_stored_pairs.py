"""Very many pairs wait, of which only the first are held."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_studio import empty_studio
from many_pairs import add_pairs, pair_id

from annotate.labeling.assignment import PairAssigner
from annotate.labeling.new_acts import as_vote
from annotate.labeling.stored_pairs import NEAR_PAIRS
from storage.store import Store

BASE = "emoji-0123456789ab"
PAIRS = 3 * NEAR_PAIRS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(empty_studio(tmp_path / "studio")) as store:
        add_pairs(store, BASE, PAIRS)
        yield store


@pytest.fixture
def assigner(store: Store) -> PairAssigner:
    assigner = PairAssigner(store, BASE, time.monotonic, random.Random(0))
    assigner.open("base")
    return assigner


def vote(assigner: PairAssigner, pair: str, annotator: str = "ann") -> None:
    assigner.vote(as_vote(pair, "left", annotator, f"{pair} {annotator}"))


@pytest.mark.slow
def test_all_pairs_come_in_their_order_though_few_are_held(
    store: Store, assigner: PairAssigner
) -> None:
    assert assigner.ready() == PAIRS and assigner.ready_by_version() == {"base": PAIRS}
    held, shown = [], []
    while pairs := assigner.assign("ann", [], 48, False).pairs:
        shown += [pair.pair_id for pair in pairs]
        held.append(sum(1 for _ in assigner._leases._waiting))
        for pair in pairs:
            assigner._leases.drop(pair.pair_id)
    assert shown == [pair_id(number) for number in range(PAIRS)]
    assert max(held) <= NEAR_PAIRS


def test_a_page_keeps_pairs_that_wait_far_behind(assigner: PairAssigner) -> None:
    far = [pair_id(PAIRS - 1), pair_id(PAIRS - 2)]
    assigned = assigner.assign("ann", far, 1, False)
    assert not assigned.passed_over and [p.pair_id for p in assigned.pairs] == [pair_id(0)]
    assert {pair.pair_id for pair in assigner._leases.held("ann")} == {pair_id(0), *far}
    assert assigner.ready() == PAIRS - 3


def test_a_vote_on_a_pair_far_behind_counts_and_it_is_asked_of_others(
    store: Store, assigner: PairAssigner
) -> None:
    assigner.set_overlap(2)
    vote(assigner, pair_id(PAIRS - 5))
    assert assigner.ready() == PAIRS - 1
    assert [p.pair_id for p in assigner.assign("bob", [], 1, False).pairs] == [pair_id(PAIRS - 5)]
    assert [p.pair_id for p in assigner.assign("ann", [], 1, False).pairs] == [pair_id(0)]


def test_a_hidden_pair_never_comes_however_far_it_was(assigner: PairAssigner) -> None:
    assigner.hide(pair_id(PAIRS - 1))
    assert assigner.ready() == PAIRS - 1
    assert not assigner._leases._waiting.is_far(pair_id(PAIRS - 1))


def test_a_new_pair_comes_after_those_that_wait(store: Store, assigner: PairAssigner) -> None:
    pair = store.add_pair("a dog", f"{0:016x}", f"{1:016x}", BASE, "base")
    assigner.add(pair)
    assert assigner.ready() == PAIRS + 1 and assigner._leases._waiting.is_far(pair.pair_id)
    assert store.waiting_pairs(BASE)[-1] == pair


def test_undone_votes_are_the_oldest_again(store: Store, assigner: PairAssigner) -> None:
    store.counts(BASE)
    for number in (3, 1, 2):
        vote(assigner, pair_id(number))
    store.undo("ann")
    store.undo("ann")
    oldest = [pair.pair_id for pair in store.waiting_pairs(BASE, 3)]
    assert oldest == [pair_id(0), pair_id(1), pair_id(2)]
