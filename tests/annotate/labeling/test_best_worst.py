"""Quads are handed out as pairs are: to one annotator, until they rank them or go away."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from annotate.labeling.best_worst import QuadAssigner
from annotate.labeling.sessions import LabelingSessions
from storage.acts import NewRanking
from storage.errors import AlreadyVoted
from storage.records import Image, Quad, new_id
from storage.store import Store


class Desk:
    """A quad assigner with a clock that the test moves."""

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, 0.0
        self.restart()

    def restart(self) -> None:
        self.quads = QuadAssigner(self.store, "model", lambda: self.now)

    def add(self, count: int, version: str = "base") -> None:
        for _ in range(count):
            images = self.store.add_images([image() for _ in range(4)])
            self.quads.add("a cat", [stored.image_id for stored in images], version)

    def ask(self, who: str, have: list[Quad] | None = None, want: int = 1) -> list[Quad]:
        ids = [quad.quad_id for quad in have or []]
        return self.quads.assign(who, ids, want, "base")

    def rank(self, who: str, quad: Quad, key: str) -> None:
        self.quads.rank(NewRanking(quad.quad_id, 0, 3, who, key))

    def undo(self, who: str, key: str) -> Quad:
        quad = self.store.undo(who, key).about
        assert isinstance(quad, Quad)
        self.quads.reopen(who, quad, key)
        return quad


def image() -> Image:
    key = new_id()
    return Image(new_id(), key, 8, 8, {"key": key}, key, "base")


def no_report(annotator: str) -> NoReturn:
    raise AssertionError(f"{annotator} asked for no summary")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Store(tmp_path / "studio") as store:
        store.ensure_base("model")
        yield Desk(store)


def test_a_quad_is_one_annotators_until_it_is_ranked(desk):
    desk.add(3)
    first, ahead = desk.ask("ann", want=2)
    assert desk.ask("ann") == [first]
    assert desk.ask("ann", have=[first, ahead]) == desk.ask("ann", have=[first, ahead])
    assert desk.ask("bob") == []

    desk.rank("ann", first, "k1")
    assert desk.ask("ann") == [ahead]


def test_quads_of_somebody_who_went_away_are_offered_to_others(desk):
    desk.add(1)
    (quad,) = desk.ask("ann")
    desk.now += 3600
    assert desk.ask("bob") == [quad]


def test_somebody_who_goes_on_ranking_keeps_the_quads_ahead(desk):
    desk.add(6)
    ahead = desk.ask("ann", want=6)
    for number, quad in enumerate(ahead[:5]):
        desk.now += 600
        desk.rank("ann", quad, f"k{number}")
        assert desk.ask("bob") == []
    assert desk.ask("ann") == ahead[5:]


def test_a_page_keeps_its_quads_when_the_app_restarts(desk):
    desk.add(2)
    mine = desk.ask("ann", want=2)
    desk.restart()
    assert desk.ask("ann", have=mine) == []
    assert desk.ask("bob", want=2) == []
    assert desk.ask("ann", want=2) == mine


def test_a_quad_that_was_undone_before_anybody_asked_is_one_annotators(desk):
    desk.add(2)
    first, second = desk.ask("ann", want=2)
    desk.rank("ann", first, "k1")
    desk.restart()
    desk.undo("ann", "u1")
    assert desk.ask("bob", want=2) == [second]
    assert desk.ask("ann") == [first]


def test_quads_of_somebody_who_pauses_go_to_others(desk):
    desk.add(1)
    sessions = LabelingSessions(desk.store, [desk.quads], no_report)
    sessions.begin("ann", 5)
    (quad,) = desk.ask("ann")
    sessions.set_state("ann", "paused")
    assert desk.ask("bob") == [quad]


def test_quads_of_another_version_come_last(desk):
    desk.ask("ann")
    desk.add(1, "v1")
    desk.add(1, "base")
    assert [quad.version for quad in desk.ask("ann", want=3)] == ["base", "v1"]


def test_a_late_copy_of_a_ranking_does_not_take_away_the_quad_that_was_undone(desk):
    desk.add(2)
    (quad,) = desk.ask("ann")
    desk.rank("ann", quad, "k1")
    assert desk.undo("ann", "u1") == quad
    desk.rank("ann", quad, "k1")
    assert desk.ask("ann") == [quad]


def test_an_undo_that_arrives_twice_opens_a_quad_once(desk):
    desk.add(2)
    first, second = desk.ask("ann", want=2)
    desk.rank("ann", first, "k1")
    desk.undo("ann", "u1")
    desk.rank("ann", first, "k2")
    desk.undo("ann", "u1")
    assert desk.ask("ann") == [second]


def test_a_quad_that_was_ranked_in_another_window_does_not_come_again(desk):
    desk.add(2)
    first, second = desk.ask("ann", want=2)
    desk.store.rankings.record(NewRanking(first.quad_id, 1, 2, "ann", "elsewhere"))
    with pytest.raises(AlreadyVoted):
        desk.rank("ann", first, "k1")
    assert desk.ask("ann") == [second]


def test_four_quads_are_wanted_while_somebody_asks_and_none_after_a_minute(desk):
    assert desk.quads.missing("base") == 0
    desk.ask("ann")
    assert desk.quads.missing("base") == 4
    desk.add(3)
    assert desk.quads.missing("base") == 1
    desk.now += 61
    assert desk.quads.missing("base") == 0
