"""A run and the sampler take turns on a device, by accounts of their time."""

import pytest

from annotate.training.turns import Phase, TurnRules, Turns

RULES = TurnRules(
    sampler_share=0.2,
    min_run_s=100.0,
    run_per_switch=3.0,
    min_render_s=20.0,
    load_s=30.0,
    leave_s=5.0,
)


class Day:
    """A clock to move, and the turns of one run."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = Turns(lambda: self.now, RULES)

    def pass_s(self, seconds: float) -> Turns:
        self.now += seconds
        return self.turns

    def train(self, loading_s: float = 30.0) -> Turns:
        self.pass_s(loading_s).trains()
        return self.turns

    def lend(self, leaving_s: float = 5.0, loading_s: float = 30.0) -> Turns:
        self.turns.leave()
        self.pass_s(leaving_s).start_sampler()
        self.pass_s(loading_s).renders()
        return self.turns


def test_a_turn_is_earned_by_four_times_its_length() -> None:
    """30 + 5 + 30 s to switch and 20 s to render: a fifth of 425 s, which 340 s earn."""
    day = Day()
    turns = day.train()
    assert turns.until_images() == pytest.approx(340 - 30 + 5 + 30)
    assert not day.pass_s(309).may_leave()
    assert day.pass_s(1).may_leave()


def test_the_estimate_runs_down_to_the_first_image() -> None:
    day = Day()
    assert day.turns.until_images() == pytest.approx(340 + 35)
    turns = day.train(loading_s=40)
    assert turns.until_images() == pytest.approx(340 - 40 + 35)
    day.pass_s(1000)
    assert turns.until_images() == pytest.approx(35)
    turns.leave()
    assert day.pass_s(2).until_images() == pytest.approx(3 + 30)
    turns.start_sampler()
    assert day.pass_s(10).until_images() == pytest.approx(20)
    assert day.pass_s(60).until_images() == 1.0
    turns.renders()
    assert turns.until_images() == 0.0


def test_a_turn_ends_once_it_and_the_way_back_are_a_fifth_of_all_time() -> None:
    day = Day()
    day.train()
    day.pass_s(970)
    turns = day.lend()
    # At 1035 s 35 s are used up, and 30 s are the way back: 0.2 * (1065 + t) = 65 + t.
    assert not day.pass_s(184).is_used_up()
    assert day.pass_s(1.5).is_used_up()
    turns.take_back()
    turns.trains()
    assert not turns.may_leave()


def test_all_turns_together_stay_within_a_fifth_however_long_loading_takes() -> None:
    day = Day()
    day.train(loading_s=90)
    given, turns = 0.0, day.turns
    for _ in range(12):
        while not turns.may_leave():
            day.pass_s(1)
        left_at = day.now
        day.lend(leaving_s=20, loading_s=80)
        while not turns.is_used_up():
            day.pass_s(1)
        turns.take_back()
        day.train(loading_s=70)
        given += day.now - left_at
    assert given / day.now == pytest.approx(0.2, abs=0.01)


def test_a_run_trains_for_three_times_what_switching_costs_however_much_was_saved_up() -> None:
    day = Day()
    day.train()
    day.pass_s(100_000)
    day.lend(leaving_s=10, loading_s=50).take_back()
    turns = day.train(loading_s=60)
    assert not day.pass_s(359).may_leave()
    assert day.pass_s(1).may_leave()
    assert turns.phase == Phase.TRAINING


def test_a_turn_renders_for_a_while_even_if_loading_used_it_up() -> None:
    day = Day()
    day.train()
    day.pass_s(310)
    turns = day.lend(loading_s=300)
    assert not day.pass_s(19).is_used_up() and day.pass_s(1).is_used_up()
    turns.take_back()
    # What it took too much is taken off the next one: 385 of 695 s are given by then.
    assert turns.until_images() > 4 * 385 - 695


def test_the_first_loading_says_nothing_of_later_ones() -> None:
    day = Day()
    turns = day.train(loading_s=500)
    assert day.pass_s(195).may_leave()
    assert turns.until_images() == pytest.approx(35)
