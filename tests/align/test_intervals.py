"""Intervals: equal to SciPy's and statsmodels', and honest over simulated votes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep

from align.intervals import (
    Tally,
    bootstrap_over_prompts,
    newcombe_interval,
    proportion,
    wilson_interval,
)

pytestmark = pytest.mark.slow

counts = st.integers(0, 400)


@given(counts, counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_scipys(wins: int, losses: int, level: float) -> None:
    if wins + losses == 0:
        return
    known = binomtest(wins, wins + losses).proportion_ci(level, method="wilson")
    assert wilson_interval(Tally(wins, losses), level) == pytest.approx(
        (known.low, known.high), abs=1e-12
    )


@given(st.integers(1, 80), st.integers(1, 80), st.data())
def test_the_interval_of_a_difference_is_newcombes(m: int, n: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, m)), data.draw(st.integers(0, n))
    known = confint_proportions_2indep(a, m, b, n, method="newcomb", compare="diff")
    assert newcombe_interval(proportion(a, m), proportion(b, n))[1:] == pytest.approx(
        known, abs=1e-6
    )


def test_the_bootstrap_over_prompts_covers_what_it_says() -> None:
    chance = np.random.default_rng(4)
    covered = []
    for trial in range(800):
        # Prompts differ in how much the version helps; the mean over prompts is the truth.
        rates = chance.beta(6, 4, size=64)
        votes = {
            str(prompt): Tally(wins := int(chance.binomial(4, rate)), 4 - wins)
            for prompt, rate in enumerate(rates)
        }
        low, high = bootstrap_over_prompts(votes, seed=trial) or (1.0, 0.0)
        covered.append(low <= 0.6 <= high)
    assert 0.93 <= np.mean(covered) <= 0.97, np.mean(covered)


def test_votes_on_one_prompt_go_together() -> None:
    together = {"a": Tally(20, 0), "b": Tally(0, 20)}
    apart = {str(n): Tally(1, 0) if n % 2 else Tally(0, 1) for n in range(40)}
    wide, narrow = bootstrap_over_prompts(together), bootstrap_over_prompts(apart)
    assert wide is not None and narrow is not None
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_a_tally_of_fewer_than_no_votes_is_refused():
    with pytest.raises(ValueError, match="has fewer than no votes"):
        Tally(-1, 3)
