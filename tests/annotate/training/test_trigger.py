"""When runs are due."""

from datetime import datetime

import pytest

from annotate.errors import InvalidSchedule
from annotate.training.automatic.trigger import Trigger


def test_zero_votes_mean_never() -> None:
    trigger = Trigger(0, None, datetime.now)
    assert trigger.poll(datetime.now(), 500, 500) is None
    assert trigger.until_next(500) is None


def test_a_daily_run_waits_for_votes_to_settle_and_comes_once_a_day() -> None:
    trigger = Trigger(0, "02:30", lambda: datetime(2026, 3, 1, 3, 0))
    assert trigger.poll(datetime(2026, 3, 1, 3, 0), 5, 5) is None
    then = datetime(2026, 3, 2, 2, 30)
    assert trigger.poll(then, 1, 0) is None
    assert trigger.poll(then, 1, 1) == "daily"
    assert trigger.poll(then, 1, 1) is None


def test_a_daily_run_without_new_votes_is_left_out() -> None:
    trigger = Trigger(0, "2:30", lambda: datetime(2026, 3, 1, 3, 0))
    then = datetime(2026, 3, 2, 2, 30)
    assert trigger.poll(then, 0, 0) is None
    assert trigger.poll(then, 4, 4) is None


@pytest.mark.parametrize("at", ["24:00", "2", "02:60", "noon", "-1:00"])
def test_what_is_no_time_of_day_is_refused(at: str) -> None:
    with pytest.raises(InvalidSchedule, match="HH:MM"):
        Trigger(0, at, datetime.now)


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match="0 for never"):
        Trigger(-1, None, datetime.now)


def test_a_clock_that_is_put_back_leaves_out_no_daily_run() -> None:
    trigger = Trigger(0, "02:30", lambda: datetime(2026, 3, 1, 1, 0))
    assert trigger.poll(datetime(2026, 3, 20, 2, 0), 5, 5) == "daily"
    assert trigger.poll(datetime(2026, 3, 1, 1, 5), 5, 5) is None
    assert trigger.poll(datetime(2026, 3, 1, 2, 30), 5, 5) == "daily"
