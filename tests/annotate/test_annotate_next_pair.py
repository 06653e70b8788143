"""Which pair next: a quarter by chance, the others by what their vote would teach."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from places import until

from annotate.next_pair import BY_CHANCE
from annotate.quality.value import Taste, learn, sigmoid

D = 5


def voted(taste_D: np.ndarray, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Attributes of chosen and rejected pictures by somebody with this taste."""
    rng = np.random.default_rng(seed)
    first_ND, second_ND = rng.normal(size=(2, number, D))
    wins_N = rng.random(number) < sigmoid((first_ND - second_ND) @ taste_D)
    won_ND = np.where(wins_N[:, None], first_ND, second_ND)
    return won_ND, np.where(wins_N[:, None], second_ND, first_ND)


def test_the_taste_is_the_mode_of_its_posterior():
    won_ND, lost_ND = voted(np.array([2.0, -1.0, 0, 0, 0.5]), 200, 0)
    taste = learn(won_ND, lost_ND)

    def loss(weights_D: np.ndarray) -> float:
        margin_N = taste.standard(won_ND - lost_ND) @ weights_D
        return float(np.log1p(np.exp(-margin_N)).sum() + 0.5 * (weights_D**2).sum())

    best, step = loss(taste.weights_D), 1e-4 * np.eye(D)
    assert all(loss(taste.weights_D + sign * e) > best for e in step for sign in (1, -1))
    curvature = [(loss(taste.weights_D + e) + loss(taste.weights_D - e) - 2 * best) / 1e-8
                 for e in step]  # fmt: skip
    np.testing.assert_allclose(np.diag(np.linalg.inv(taste.covariance_DD)), curvature, rtol=1e-2)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), number=st.integers(8, 80))
def test_swapping_sides_turns_the_chance_around_and_leaves_the_value(seed, number):
    taste = learn(*voted(np.ones(D), number, seed))
    pairs_ND = np.random.default_rng(seed + 1).normal(size=(20, D))
    np.testing.assert_allclose(taste.chance(pairs_ND) + taste.chance(-pairs_ND), 1.0)
    np.testing.assert_allclose(taste.gain(pairs_ND), taste.gain(-pairs_ND))
    assert (taste.gain(pairs_ND) >= 0).all()
    assert taste.gain(np.zeros((1, D)))[0] == 0


def test_a_vote_teaches_less_the_surer_its_answer_and_the_better_known_its_direction():
    taste = Taste(np.array([3.0, 0.0]), np.diag([0.01, 1.0]), np.ones(2))
    sure, unknown = taste.gain(np.array([[2.0, 0.0], [0.0, 2.0]]))
    assert sure < 0.01 * unknown


def test_nothing_is_learned_from_a_handful_of_votes():
    assert learn(*voted(np.ones(D), 7, 0)) is None


def test_pairs_are_chosen_by_value_with_their_propensity_noted(place):
    place.label(12)
    chooser = place.studio._next_pair
    until(lambda: (chooser.learn(), chooser._taste)[1])
    for _ in range(6):
        chooser.learn()
        place.label(5)
    rows = place.store._database.read("SELECT policy, propensity FROM choices ORDER BY vote_id")
    assert len(rows) > 30, "all but those that were asked on purpose"
    policies = [policy for policy, _ in rows]
    assert policies[:8] == ["oldest"] * 8
    assert {"value", "chance"} <= set(policies)
    for policy, propensity in rows:
        assert propensity == 1.0 if policy == "oldest" else 0 < propensity <= 1
        assert policy != "value" or propensity >= 1 - BY_CHANCE
