"""Sequential test: equal to SciPy's, and honest over simulated sequences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln

from align.intervals import Tally, bootstrap_over_prompts, wilson_interval
from annotate.statistics.sequential_test import (
    MAX_SIMULATED_VOTES,
    critical_wins,
    log_e_value,
    outcome,
    sample_sizes,
    stopping_times,
    votes_needed,
)

counts = st.integers(0, 400)


@given(counts, counts)
def test_the_e_value_is_the_beta_binomial_mixture(wins: int, losses: int) -> None:
    known = betaln(1 + wins, 1 + losses) + (wins + losses) * math.log(2)
    assert log_e_value(wins, losses) == pytest.approx(known, abs=1e-8)


@given(counts, counts)
def test_the_next_vote_between_equals_leaves_the_e_value_what_it_is_on_average(
    wins: int, losses: int
) -> None:
    now, won, lost = (
        math.exp(log_e_value(w, n))
        for w, n in ((wins, losses), (wins + 1, losses), (wins, losses + 1))
    )
    assert (won + lost) / 2 == pytest.approx(now, rel=1e-9)


def test_without_votes_nothing_is_known() -> None:
    nothing = Tally(0, 0, ties=9)
    assert (nothing.rate, wilson_interval(nothing), outcome(nothing)) == (None, (0.0, 1.0), None)
    assert bootstrap_over_prompts({"a cat": nothing}) is None


def test_a_clear_win_and_a_clear_loss_are_called() -> None:
    assert outcome(Tally(12, 1)) == "better"
    assert outcome(Tally(1, 12)) == "worse"
    assert outcome(Tally(7, 6)) is None
    assert votes_needed(Tally(12, 1)) is None


def test_watched_after_every_vote_equals_are_hardly_ever_called_better() -> None:
    chance = np.random.default_rng(1)
    won = chance.random((1000, MAX_SIMULATED_VOTES)) < 0.5
    wins = np.cumsum(won, axis=1)
    better = wins >= critical_wins(MAX_SIMULATED_VOTES)[1:]
    assert better.any(axis=1).mean() <= 0.05


def test_a_verdict_is_called_from_so_many_wins_on_and_not_before() -> None:
    for votes, needed in enumerate(critical_wins(300)):
        if needed <= votes:
            assert outcome(Tally(int(needed), votes - int(needed))) == "better"
            assert outcome(Tally(votes - int(needed), int(needed))) == "worse"
        if votes / 2 < needed:
            assert outcome(Tally(int(needed) - 1, votes - int(needed) + 1)) != "better"


def fixed_sample_size(rate: float, power: float = 0.8) -> float:
    """Votes of a two-sided test at 5 % that looks once, by the normal approximation."""
    spread = 1.96 * 0.5 + 0.8416 * math.sqrt(rate * (1 - rate))
    return (spread / (rate - 0.5)) ** 2


def test_a_version_that_wins_65_percent_is_called_soon() -> None:
    needed = stopping_times(np.random.default_rng(2), np.full(1000, 0.65), Tally(0, 0))
    assert np.median(needed) <= 1.5 * fixed_sample_size(0.65)


@pytest.mark.slow
@pytest.mark.parametrize("asked_after", [0, 10, 30])
def test_the_range_of_votes_needed_holds_the_truth_about_as_often_as_it_says(
    asked_after: int,
) -> None:
    chance = np.random.default_rng(3)
    held = []
    while len(held) < 200:
        rate = chance.random()
        wins = int(chance.binomial(asked_after, rate))
        tally = Tally(wins, asked_after - wins)
        told = votes_needed(tally, seed=len(held))
        if told is None:
            continue
        truth = int(stopping_times(chance, np.array([rate]), tally)[0])
        held.append(told[0] <= truth <= told[1])
    assert 0.75 <= np.mean(held) <= 0.9, np.mean(held)


def test_larger_differences_need_fewer_votes() -> None:
    sizes = list(sample_sizes().values())
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 30
