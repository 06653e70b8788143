"""What held-out pairs let a run say about itself."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from align.training.pair_accuracy import advice, binomial_tail, holdout_result

pytestmark = pytest.mark.slow


def judged(right: float, pairs: int) -> dict:
    """Verdict over `pairs` pairs, of which `right` are ordered as people did (a half is a tie)."""
    accuracy_B = torch.zeros(pairs)
    accuracy_B[: math.floor(right)] = 1.0
    accuracy_B[math.floor(right) : math.ceil(right)] = 0.5
    return holdout_result(accuracy_B)


def test_guessing_ten_of_ten_right_is_one_in_1024():
    assert binomial_tail(10, 10) == pytest.approx(1 / 1024)
    assert binomial_tail(0, 10) == pytest.approx(1.0)
    assert binomial_tail(2, 2, 0.25) == pytest.approx(1 / 16)


@pytest.mark.parametrize("pairs", [999, 1000, 1001, 5000])
@pytest.mark.parametrize("share", [0.5, 0.25])
def test_thousands_of_held_out_pairs_are_counted_as_scipy_counts_them(pairs, share):
    least = round(share * pairs) + 20
    assert binomial_tail(least, pairs, share) == pytest.approx(
        binom.sf(least - 1, pairs, share), rel=1e-9
    )


def test_a_run_with_thousands_of_held_out_pairs_says_whether_it_helped():
    assert judged(1600, 3000)["helped"] is True
    assert judged(1500, 3000)["helped"] is False
    assert judged(1200, 3000)["against"] is True


@given(st.integers(1, 40), st.data())
def test_the_chance_of_guessing_falls_with_every_pair_that_is_right(pairs, data):
    right = data.draw(st.integers(1, pairs))
    assert binomial_tail(right, pairs) < binomial_tail(right - 1, pairs)


@pytest.mark.parametrize(
    ("right", "pairs", "helped"),
    [
        (12, 12, True),
        (9, 12, True),  # guessing does as well 7 % of the time
        (5, 6, None),  # 11 %: above one half, but too few to say
        (3, 6, None),  # a version that is right in three of four does as badly 17 % of the time
        (2, 6, False),  # and this badly 4 % of the time
        (6, 12, False),
        (13, 20, None),
        (3, 12, False),
        (13, 24, False),  # enough pairs, and guessing does as well 42 % of the time
        (10.5, 20, False),
    ],
)
def test_a_run_helped_only_if_guessing_would_hardly_do_as_well(right, pairs, helped):
    assert judged(right, pairs)["helped"] is helped
    assert judged(right, pairs)["accuracy"] == pytest.approx(right / pairs)


def test_without_held_out_pairs_nothing_is_claimed():
    assert holdout_result(torch.empty(0)) == {
        "pairs": 0,
        "accuracy": None,
        "p_value": None,
        "helped": None,
        "against": False,
    }


def test_advice_fits_the_verdict():
    assert "new ones" in advice(judged(3, 12), train_accuracy=0.95)
    assert "hardly fits" in advice(judged(3, 12), train_accuracy=0.5)
    assert "more votes" in advice(judged(5, 6), train_accuracy=0.95)
    assert "20 votes" in advice(judged(0, 0), train_accuracy=0.95)
    assert "see it" in advice(judged(12, 12), train_accuracy=0.95)
