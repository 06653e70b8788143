"""The sums in memory are what adding up anew would give, after anything that people do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from storage_making import BASE, make_image, make_pair

from storage import StorageError, Store, new_id
from storage.acts import NewFlag, NewRanking, NewVote
from storage.aggregates.counts import ModelCounts, count_rows
from storage.records import Verdict

PEOPLE = ("ann", "bob", "cem")
KINDS = (
    "vote", "vote", "vote", "vote", "undo", "undo", "report", "decide", "again", "exclude", "lift",
    "rank", "pair", "run",
)  # fmt: skip
acts = st.tuples(
    st.sampled_from(KINDS), st.sampled_from(PEOPLE), st.integers(0, 30), st.sampled_from(Verdict)
)


class Played:
    """A studio that goes on from whatever was done in it before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.ensure_base(BASE)
        self.pairs = [make_pair(store, seed).pair_id for seed in range(8)]
        self.exclusions: list[int] = []

    def act(self, kind: str, who: str, number: int, verdict: Verdict) -> None:
        try:
            getattr(self, f"_{kind}")(who, number, verdict)
        except (StorageError, IndexError):
            pass  # Refused, as it may be: the sums are what they were.

    def _pair(self, who: str, number: int, verdict: Verdict) -> None:
        self.pairs.append(make_pair(self.store, 100 + len(self.pairs)).pair_id)

    def _vote(self, who: str, number: int, verdict: Verdict) -> None:
        self.store.vote(NewVote.parse(self.pairs[number % len(self.pairs)], verdict, who, new_id()))

    def _undo(self, who: str, number: int, verdict: Verdict) -> None:
        self.store.undo(who)

    def _again(self, who: str, number: int, verdict: Verdict) -> None:
        pair_id, checks = (
            self.pairs[number % len(self.pairs)],
            self.store.quality.control_pairs,
        )
        again = checks.add_copy(pair_id, who, "repeat", swap=True)
        self.store.vote(NewVote.parse(again.pair_id, verdict, who, new_id()))

    def _report(self, who: str, number: int, verdict: Verdict) -> None:
        self.store.flags.record(NewFlag(self.pairs[number % len(self.pairs)], who, "", new_id()))

    def _decide(self, who: str, number: int, verdict: Verdict) -> None:
        report = self.store.flags.all(BASE)[number]
        self.store.flags.decide(report.flag_id, ("shown", "hidden")[number % 2], who)

    def _exclude(self, who: str, number: int, verdict: Verdict) -> None:
        meant = {"annotator": who} if number % 2 else {"vote_id": number}
        self.exclusions.append(self.store.quality.exclude(BASE, "why", "admin", **meant))

    def _lift(self, who: str, number: int, verdict: Verdict) -> None:
        self.store.quality.lift(BASE, self.exclusions.pop(), "admin")

    def _rank(self, who: str, number: int, verdict: Verdict) -> None:
        images = [make_image(self.store, seed).image_id for seed in range(4)]
        quad = self.store.quads.add("a cat", images, BASE, "base")
        best, worst = (0, 1) if verdict.decisive else (None, None)
        self.store.rankings.record(NewRanking(quad.quad_id, best, worst, who, new_id()))

    def _run(self, who: str, number: int, verdict: Verdict) -> None:
        snapshot = self.store.write_snapshot(BASE, settle_s=0)
        run = self.store.create_run(snapshot.snapshot_id, BASE, "base", {}, "person")
        if number % 2:
            self.store.set_run_state(run.run_id, "failed", "why not")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with Store(tmp_path_factory.mktemp("counts") / "studio") as store:
        yield Played(store)


def anew(store: Store) -> ModelCounts:
    return store._database.write(lambda cursor: count_rows(cursor, BASE))


@pytest.mark.slow
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],  # The studio goes on, so that nothing can be made smaller afterwards.
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(acts, min_size=5, max_size=25))
def test_after_anything_that_people_do_the_sums_are_what_adding_up_gives(
    played: Played, done: list[tuple[str, str, int, Verdict]]
) -> None:
    store = played.store
    store.counts(BASE)
    for act in done:
        played.act(*act)
        found = anew(store)
        assert store.counts(BASE) == found.counts(), act
        assert store.decisive_since_last_run(BASE) == found.untrained, act
        assert [pair.pair_id for pair in store.waiting_pairs(BASE)] == [*found.waiting], act


def test_an_undo_and_a_flag_count_nothing_anew(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, added_up = played.store, []
    pairs = [make_pair(store, 500 + number).pair_id for number in range(2)]
    store.counts(BASE)
    monkeypatch.setattr("storage.aggregates.counts.count_rows", lambda *_: added_up.append(1))
    store.vote(NewVote.parse(pairs[0], "left", "eve", new_id()))
    before = store.counts(BASE).votes
    store.undo("eve")
    store.flags.record(NewFlag(pairs[1], "eve", "", new_id()))
    store.undo("eve")
    assert store.counts(BASE).votes == before - 1 and not added_up
    assert [pair.pair_id for pair in store.waiting_pairs(BASE)][-2:] == pairs


def test_a_pair_is_counted_while_the_home_is_another(tmp_path: Path) -> None:
    with Store(tmp_path / "studio") as store:
        assert store.counts("another model").votes == 0
        store.ensure_base(BASE)
        pair = make_pair(store)
        store.vote(NewVote.parse(pair.pair_id, "left", "ann", "k1"))
        store.undo("ann")
        assert store.counts(BASE).votes == 0 and store.waiting_pairs(BASE) == [pair]
