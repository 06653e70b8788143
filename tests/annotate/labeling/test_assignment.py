"""Pair assignment under any order of what several annotators do."""

import itertools
import random
import time
from collections import Counter

import pytest
from empty_studio import empty_studio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from annotate.labeling.assignment import PairAssigner
from storage.acts import NewVote
from storage.errors import NothingToUndo
from storage.records import Image, Verdict, new_id
from storage.store import Store

PEOPLE = ("ann", "bob", "cem")
BASE_PAIRS = 8

acts = st.one_of(
    st.tuples(st.just("next"), st.sampled_from(PEOPLE), st.integers(1, 4)),
    st.tuples(st.just("vote"), st.sampled_from(PEOPLE), st.sampled_from(list(Verdict))),
    st.tuples(st.just("undo"), st.sampled_from(PEOPLE), st.none()),
    st.tuples(st.just("again"), st.sampled_from(PEOPLE), st.none()),
)


class Bureau:
    """A pair assigner, and what must be true of it: who voted on what, in order."""

    def __init__(self, store: Store, base: str) -> None:
        self.store, self.base = store, base
        for _ in range(BASE_PAIRS):
            left, right = store.add_images([image(base), image(base)])
            store.add_pair("a cat", left.image_id, right.image_id, base, "base")
        self.assigner = PairAssigner(store, base, time.monotonic, random.Random(0))
        self.assigner.open("base")
        self.voted: dict[str, list[tuple[str, str, str]]] = {name: [] for name in PEOPLE}
        self.keys = (f"{base}-{number}" for number in itertools.count())
        self.undone: dict[str, str] = {}

    def open_pair(self, person: str) -> str | None:
        pairs = self.assigner.assign(person, [], 1, any_version=False).pairs
        return pairs[0].pair_id if pairs else None

    def next(self, person: str, want: int) -> None:
        pairs = self.assigner.assign(person, [], want, any_version=False).pairs
        assert self.open_pair(person) == (pairs[0].pair_id if pairs else None)
        if pairs and person in self.undone:
            assert pairs[0].pair_id == self.undone[person]

    def vote(self, person: str, verdict: Verdict) -> None:
        pair_id = self.open_pair(person)
        if pair_id is None:
            return
        key = next(self.keys)
        self.assigner.vote(NewVote(pair_id, verdict, person, key))
        self.voted[person].append((pair_id, key, verdict))
        self.undone.pop(person, None)

    def undo(self, person: str, _: None) -> None:
        if not self.voted[person]:
            with pytest.raises(NothingToUndo):
                self.store.undo(person, next(self.keys))
            return
        pair_id, _key, _verdict = self.voted[person].pop()
        key = next(self.keys)
        pair = self.store.undo(person, key).about
        assert pair.pair_id == pair_id
        self.assigner.reopen(person, pair, key)
        others = {name: undone for name, undone in self.undone.items() if undone != pair_id}
        self.undone = others | {person: pair_id}

    def again(self, person: str, _: None) -> None:
        """Send the newest vote once more."""
        if self.voted[person]:
            pair_id, key, verdict = self.voted[person][-1]
            assert self.assigner.vote(NewVote(pair_id, verdict, person, key)).duplicate

    def check(self) -> None:
        held = {p: [x.pair_id for x in self.assigner._leases.held(p)] for p in PEOPLE}
        everywhere = [pair_id for pairs in held.values() for pair_id in pairs]
        voted = [pair_id for votes in self.voted.values() for pair_id, _, _ in votes]
        assert len(everywhere) + self.assigner.ready() + len(voted) == BASE_PAIRS
        assert len(set(everywhere) | set(voted)) == len(everywhere) + len(voted)
        assert self.store.counts(self.base).votes == len(voted)


def image(base: str) -> Image:
    key = new_id()
    return Image(new_id(), key, 8, 8, {"base": base, "key": key}, key, "base")


# An annotator's newest vote is looked for in the whole studio, so every example has its own.
@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=st.lists(acts, max_size=25))
def test_no_pair_is_lost_doubled_or_shown_to_two_people(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, object]]
) -> None:
    with Store(empty_studio(tmp_path_factory.mktemp("assigner") / "studio")) as store:
        store.ensure_base("model")
        bureau = Bureau(store, "model")
        for act, person, detail in steps:
            getattr(bureau, act)(person, detail)
            bureau.check()


@pytest.mark.slow
@pytest.mark.parametrize("overlap", [2, 3])
@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(steps=st.lists(acts, max_size=40))
def test_with_overlap_everybody_is_asked_once_and_no_pair_more_often_than_wanted(
    tmp_path_factory: pytest.TempPathFactory, overlap: int, steps: list[tuple[str, str, object]]
) -> None:
    with Store(empty_studio(tmp_path_factory.mktemp("assigner") / "studio")) as store:
        store.ensure_base("model")
        bureau = Bureau(store, "model")
        bureau.assigner.set_overlap(overlap)
        for act, person, detail in steps:
            getattr(bureau, act)(person, detail)
            held = {p: {x.pair_id for x in bureau.assigner._leases.held(p)} for p in PEOPLE}
            assert sum(map(len, held.values())) == len(set().union(*held.values()))
            for name, pairs in held.items():
                assert not pairs & {pair_id for pair_id, _, _ in bureau.voted[name]}
        given = Counter(pair_id for votes in bureau.voted.values() for pair_id, _, _ in votes)
        assert max(given.values(), default=0) <= overlap


def test_every_pair_gets_as_many_people_as_wanted_also_after_a_restart(tmp_path):
    with Store(empty_studio(tmp_path / "studio")) as store:
        store.ensure_base("model")
        bureau = Bureau(store, "model")
        store.project_settings.set("overlap", 2, "ann")
        bureau.assigner.open("base")
        for _ in range(3):
            bureau.vote("ann", Verdict.LEFT)
        assigner = PairAssigner(store, "model", time.monotonic, random.Random(0))
        assigner.open("base")
        asked = {pair.pair_id for pair in assigner.assign("bob", [], 3, any_version=False).pairs}
        assert asked == {pair_id for pair_id, _, _ in bureau.voted["ann"]}
        again = assigner.assign("ann", [], BASE_PAIRS, any_version=False).pairs
        assert len(again) == BASE_PAIRS - 3
        assert not asked & {pair.pair_id for pair in again}


def test_a_hidden_pair_is_handed_to_nobody_until_it_is_shown_again(tmp_path):
    with Store(empty_studio(tmp_path / "studio")) as store:
        store.ensure_base("model")
        assigner = Bureau(store, "model").assigner
        first, second = assigner.assign("ann", [], 2, any_version=False).pairs
        assigner.hide(first.pair_id)

        assigned = assigner.assign("ann", [first.pair_id, second.pair_id], 8, any_version=False)
        assert assigned.passed_over == [first.pair_id]
        assert first not in assigned.pairs
        assigner.show_again(first)
        assert first in assigner.assign("bob", [], 8, any_version=False).pairs
