"""Statistics of votes: equal to those of known libraries, and honest in simulation."""

from itertools import product

import choix
import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_insights import alpha_from_ratings
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from align.intervals import proportion
from annotate.statistics.attribute_effects import attribute_effects
from annotate.statistics.bradley_terry import Match, fit_strengths, leaderboard, leaderboards
from annotate.statistics.dawid_skene import estimate_reliability, fit_accuracies, vote_weights
from annotate.statistics.side_bias import (
    ALPHA,
    ALPHA_AT_VOTES,
    accuracy_from_repeats,
    consistency,
    side_bias,
)
from annotate.statistics.significance import benjamini_hochberg, binomial_test

counts = st.integers(0, 300)


@given(counts, counts)
def test_shares_and_tests_are_statsmodels_and_scipys(some: int, others: int) -> None:
    of = some + others
    assert binomial_test(some, of) == pytest.approx(
        binomtest(some, of).pvalue if of else 1.0, abs=1e-9
    )
    if of:
        known = proportion_confint(some, of, method="wilson")
        found = proportion(some, of)
        assert (found.low, found.high) == pytest.approx(known, abs=1e-9)


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=30))
def test_what_stands_out_of_many_is_benjamini_and_hochbergs(p_values: list[float]) -> None:
    known = multipletests(p_values, alpha=0.05, method="fdr_bh")[0]
    assert benjamini_hochberg(p_values) == list(known)


def test_all_looks_together_cry_wolf_in_less_than_one_of_twenty() -> None:
    assert sum(ALPHA_AT_VOTES.values()) < ALPHA


def leanings(left: float, votes: int, runs: int) -> list[str | None]:
    chance = np.random.default_rng(5)
    return [side_bias(list(chance.random(votes) < left)).leaning for _ in range(runs)]


def test_a_labeler_who_takes_the_left_one_70_times_in_100_is_found() -> None:
    assert leanings(0.7, 100, 100).count("left") >= 95


def test_a_fair_labeler_is_flagged_in_at_most_one_of_twenty_however_often_one_looks() -> None:
    chance = np.random.default_rng(6)
    flagged = 0
    for _ in range(400):
        lefts = list(chance.random(400) < 0.5)
        flagged += any(side_bias(lefts[:n]).leaning for n in ALPHA_AT_VOTES if n <= 400)
    assert flagged <= 0.05 * 400


def test_too_few_votes_say_nothing_about_sides() -> None:
    assert side_bias([True] * 24).leaning is None
    assert side_bias([True] * 25).leaning == "left"
    assert side_bias([]).left.value is None


def test_the_same_image_twice_is_consistent_and_the_same_side_twice_is_not() -> None:
    found = consistency(
        [
            ("a", "a", True),
            ("a", "b", True),
            ("b", "a", False),
            (None, None, False),
            ("a", None, True),
        ]
    )
    assert (found.same.count, found.same.of) == (1, 3)
    assert (found.left_twice, found.right_twice) == (1, 1)
    assert (found.tie_twice, found.tie_once) == (1, 1)


@pytest.mark.parametrize("accuracy", [0.5, 0.6, 0.8, 1.0])
def test_the_accuracy_behind_a_consistency_is_found_again(accuracy: float) -> None:
    assert accuracy_from_repeats(accuracy**2 + (1 - accuracy) ** 2) == pytest.approx(accuracy)
    assert accuracy_from_repeats(0.2) == 0.5


@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(2, 4), st.floats(0.0, 0.6))
@settings(max_examples=60, deadline=None)
def test_alpha_is_krippendorffs(seed: int, people: int, kinds: int, gaps: float) -> None:
    chance = np.random.default_rng(seed)
    said = chance.integers(0, kinds, (people, 12)).astype(float)
    said[chance.random(said.shape) < gaps] = np.nan
    units = [
        {str(p): "abcd"[int(v)] for p, v in enumerate(column) if not np.isnan(v)}
        for column in said.T
    ]
    shared = [unit for unit in units if len(unit) >= 2]
    found = alpha_from_ratings(units)
    if len({what for unit in shared for what in unit.values()}) < 2:
        assert found.alpha is None and found.why
        return
    known = krippendorff.alpha(said, level_of_measurement="nominal")
    assert found.alpha == pytest.approx(known, abs=1e-9)
    if len(shared) >= 5:
        assert found.low is not None and found.high is not None
        assert found.low <= found.alpha + 1e-9


def test_agreement_that_cannot_be_told_is_told_in_a_sentence() -> None:
    alone = alpha_from_ratings([{"ada": "x"}, {"bob": "y"}])
    assert alone.alpha is None and "two people" in alone.why
    unanimous = alpha_from_ratings([{"ada": "x", "bob": "x"}] * 9)
    assert unanimous.alpha is None and "same of every pair" in unanimous.why
    few = alpha_from_ratings([{"ada": "x", "bob": "x"}, {"ada": "x", "bob": "y"}])
    assert few.alpha is not None and few.low is None and "5 pairs" in few.why


def test_the_interval_of_alpha_covers_what_many_votes_say() -> None:
    def votes(chance: np.random.Generator, pairs: int) -> list[dict[str, str]]:
        truth = chance.integers(0, 2, pairs)
        right = chance.random((pairs, 3)) < 0.8
        return [
            {name: str(t if r else 1 - t) for name, r in zip("abc", row, strict=True)}
            for t, row in zip(truth, right, strict=True)
        ]

    chance = np.random.default_rng(1)
    # Two agree with chance 0.8² + 0.2² = 0.68 where 0.5 is expected: alpha is 0.36.
    found = [alpha_from_ratings(votes(chance, 60), seed) for seed in range(100)]
    assert sum((one.low or 1) <= 0.36 <= (one.high or 0) for one in found) >= 90


def crowd(chance: np.random.Generator, skills: list[float], pairs: int) -> list[dict[str, int]]:
    truth = chance.integers(0, 2, pairs)
    right = chance.random((pairs, len(skills))) < skills
    return [
        {f"p{p}": int(t if r else 1 - t) for p, r in enumerate(row)}
        for t, row in zip(truth, right, strict=True)
    ]


def test_one_random_clicker_among_five_is_found_and_counts_less() -> None:
    found = 0
    for seed in range(50):
        chance = np.random.default_rng(seed)
        people, why = estimate_reliability(crowd(chance, [0.8, 0.8, 0.5, 0.8, 0.8], 100), seed)
        given_weights = vote_weights(people)
        assert not why
        found += given_weights["p2"] == min(given_weights.values()) < 0.6
    assert found >= 47


def test_equal_people_are_seldom_weighed_down() -> None:
    lowered = 0
    for seed in range(40):
        people, _ = estimate_reliability(crowd(np.random.default_rng(seed), [0.8] * 5, 100), seed)
        lowered += sum(weight < 1 for weight in vote_weights(people).values())
    assert lowered <= 6


def test_a_person_of_another_taste_who_repeats_it_keeps_their_weight() -> None:
    chance = np.random.default_rng(0)
    people, _ = estimate_reliability(crowd(chance, [0.9, 0.9, 0.5, 0.9, 0.9], 100))
    assert vote_weights(people)["p2"] < 0.4
    assert vote_weights(people, {"p2": 0.9})["p2"] == 1


def test_accuracies_without_a_prior_are_crowd_kits() -> None:
    # What crowd-kit 1.4.2's OneCoinDawidSkene says of these votes and of their mirror image, so
    # that both answers are as likely beforehand; it is too heavy to be installed for this.
    chance = np.random.default_rng(0)
    skills, truth = chance.uniform(0.5, 0.95, 5), chance.integers(0, 2, 60)
    voted, right = chance.random((60, 5)) < 0.7, chance.random((60, 5)) < skills
    which = np.where(right, truth[:, None], 1 - truth[:, None])
    said = np.where(voted, 2 * which - 1, 0)[voted.sum(axis=1) >= 2].astype(float)
    found = fit_accuracies(said, np.ones((1, len(said))), prior=(0, 0))[0]
    assert found == pytest.approx([0.849433, 0.646973, 0.386946, 0.533127, 1.0], abs=1e-5)


def test_the_fitted_accuracies_are_the_likeliest_ones() -> None:
    said = np.array([[1, 1, -1], [1, -1, 1], [-1, -1, -1], [1, 1, 1], [1, 1, 0], [-1, -1, 1.0]])

    def likelihood(accuracy: np.ndarray, right: float = 3.0, wrong: float = 1.0) -> float:
        """By summing over both truths of every pair, with the prior as votes."""
        total = float((right * np.log(accuracy) + wrong * np.log(1 - accuracy)).sum())
        for row in said:
            ways = [
                np.prod([q if v == t else 1 - q for q, v in zip(accuracy, row, strict=True) if v])
                for t in (1, -1)
            ]
            total += float(np.log(sum(ways) / 2))
        return total

    found = fit_accuracies(said, np.ones((1, len(said))), prior=(3.0, 1.0))[0]
    around = np.linspace(-0.02, 0.02, 5)
    best = max(product(around, repeat=3), key=lambda step: likelihood(found + np.array(step)))
    assert best == pytest.approx((0, 0, 0), abs=1e-12)


def test_reliability_of_fewer_than_three_is_not_told() -> None:
    people, why = estimate_reliability([{"ada": 0, "bob": 1}] * 20)
    assert people == {} and "three people" in why
    assert vote_weights(people) == {}


@given(st.integers(0, 2**31), st.integers(2, 6), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_strengths_are_choixs(seed: int, versions: int, votes: int) -> None:
    chance = np.random.default_rng(seed)
    won = [tuple(chance.choice(versions, 2, replace=False)) for _ in range(votes)]
    wins = np.zeros((1, versions, versions))
    for first, second in won:
        wins[0, first, second] += 1
    # choix's penalty alpha times the squares is a Gaussian prior of variance 1 / (2 alpha).
    known = choix.opt_pairwise(versions, won, alpha=0.5, tol=1e-10)
    assert fit_strengths(wins)[0] == pytest.approx(known, abs=1e-4)


def rounds(chance: np.random.Generator, strength: dict[str, float], votes: int) -> list[Match]:
    names, matches = list(strength), []
    for n in range(votes):
        first, second = (names[i] for i in chance.choice(len(names), 2, replace=False))
        wins = chance.random() < 1 / (1 + np.exp(strength[second] - strength[first]))
        matches.append(Match(first, second, float(wins), f"prompt {n % 40}"))
    return matches


def test_a_board_ranks_versions_and_says_which_cannot_be_told_apart() -> None:
    chance = np.random.default_rng(3)
    found = leaderboard(rounds(chance, {"base": -1.5, "v1": 1.0, "v2": 1.05}, 300))
    assert found.versions[-1].version == "base" and found.versions[-1].group == 2
    assert {place.group for place in found.versions[:2]} == {1}
    assert found.beats["v1", "base"] > 0.99
    assert found.beats["v1", "v2"] + found.beats["v2", "v1"] == pytest.approx(1, abs=0.02)
    best = found.versions[0]
    assert best.low is not None and best.high is not None and best.low < best.rate < best.high


def test_versions_that_no_votes_connect_are_on_boards_of_their_own() -> None:
    matches = [
        Match("base", "v1", 0.5, "a"),
        Match("v2", "v3", 1.0, "b"),
        Match("v1", "v4", 0.0, "a"),
    ]
    found = leaderboards(matches)
    assert [{place.version for place in one.versions} for one in found] == [
        {"base", "v1", "v4"},
        {"v2", "v3"},
    ]
    assert all("prompts" in one.why and one.versions[0].low is None for one in found)
    assert leaderboards([]) == []


def test_equal_versions_are_seldom_told_apart() -> None:
    apart = sum(
        len(
            {
                place.group
                for place in leaderboard(
                    rounds(np.random.default_rng(seed), {"a": 0, "b": 0}, 120)
                ).versions
            }
        )
        > 1
        for seed in range(60)
    )
    assert apart <= 7


def test_what_somebody_likes_is_found_and_nothing_else() -> None:
    chance = np.random.default_rng(8)
    differences = chance.normal(size=(150, 20))
    differences[:, 4] += 0.6
    differences[:, 9] -= 0.6
    found = attribute_effects(differences, [f"a{n}" for n in range(20)])
    told = {like.name: like for like in found if like.significant}
    assert set(told) == {"a4", "a9"}
    assert told["a4"].effect > 0 > told["a9"].effect
    assert told["a4"].effect_low > 0
    assert all(differences[n, 4] > 1 for n in told["a4"].examples)
    assert told["a9"].counterexample is not None and differences[told["a9"].counterexample, 9] > 0


def test_noise_is_seldom_called_a_taste() -> None:
    names = [f"a{n}" for n in range(20)]
    false = sum(
        any(
            like.significant
            for like in attribute_effects(np.random.default_rng(seed).normal(size=(80, 20)), names)
        )
        for seed in range(100)
    )
    assert false <= 8


def test_few_votes_tell_no_taste() -> None:
    found = attribute_effects(np.ones((19, 2)), ["bright", "warm"])
    assert not any(like.significant for like in found)
    assert attribute_effects(np.zeros((0, 1)), ["bright"])[0].more.value is None
