"""How many pairs are kept ready."""

import pytest
from places import ENDLESS, Place, until

from annotate.labeling.rate_meter import RateMeter
from annotate.rendering.pool_target import PoolTarget


class Desk:
    """People who vote, and a clock to move."""

    def __init__(self, min_ready: int = 24) -> None:
        self.now, self.labeling = 0.0, True
        self.votes = RateMeter(lambda: self.now)
        self.target = PoolTarget(self.votes, lambda: self.labeling, min_ready)

    def vote(self, count: int) -> None:
        for _ in range(count):
            self.votes.record()


def test_a_minutes_worth_of_votes_is_kept_ready_within_bounds() -> None:
    desk = Desk()
    assert desk.target.pairs == 24
    desk.vote(60)
    assert desk.target.pairs == 60
    desk.vote(60)
    assert desk.target.pairs == 96
    desk.now = 61.0
    assert desk.target.pairs == 24


def test_a_full_pool_waits_for_a_whole_request_and_then_fills_up() -> None:
    target = Desk().target
    assert [target.next_request(ready, 8) for ready in (20, 24, 17, 16, 23, 24)] == [
        4,
        0,
        0,
        8,
        1,
        0,
    ]
    assert target.first_request(0) == 1


def test_beside_a_run_ten_pairs_are_enough_however_fast_people_vote() -> None:
    desk = Desk()
    desk.vote(90)
    desk.target.run_shares_device = True
    assert desk.target.pairs == 10
    assert [desk.target.next_request(ready, 8) for ready in (2, 9, 10, 40)] == [8, 8, 0, 0]
    desk.target.run_shares_device = False
    assert desk.target.pairs == 90


def test_a_pool_that_keeps_fewer_ready_keeps_as_few_beside_a_run() -> None:
    desk = Desk(min_ready=8)
    desk.target.run_shares_device = True
    assert desk.target.pairs == 8


def test_while_nobody_labels_a_run_has_the_device_to_itself() -> None:
    desk = Desk()
    desk.target.run_shares_device, desk.labeling = True, False
    assert desk.target.pairs == desk.target.first_request(0) == desk.target.next_request(0, 8) == 0


@pytest.fixture
def min_ready() -> int:
    """As many as the app keeps ready."""
    return 24


@pytest.mark.slow
def test_a_pool_waits_for_a_run_on_the_same_device_and_fills_up_after_it(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 24)
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    until(lambda: place.studio.activity()["pool"]["target"] == 10)
    painted = sum(place.sampler.requests)
    place.label(12)
    assert place.studio.stats()["ready_pairs"] == 11 and sum(place.sampler.requests) == painted
    place.label(2)
    until(lambda: place.studio.stats()["ready_pairs"] > 11)

    place.studio.cancel_run(run_id)
    place.reach(run_id, "cancelled")
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)


@pytest.mark.slow
def test_a_pool_stays_full_beside_a_run_with_a_device_of_its_own(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 24)
    place.trainer.apart = True
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    until(lambda: place.studio.run_status(run_id)["state"] == "running")
    assert place.studio.activity()["pool"]["target"] == 24
    place.label(12)
    until(lambda: place.studio.stats()["ready_pairs"] == 24)
    assert place.sampler.state().state == "ready"


@pytest.mark.slow
def test_somebody_labels_who_voted_lately_or_asked_in_vain(place: Place) -> None:
    assert not place.studio._assigner.in_use()
    place.sampler.brush.clear()
    place.studio.pairs_ahead("ann", [], 48)
    assert place.studio._assigner.in_use()
