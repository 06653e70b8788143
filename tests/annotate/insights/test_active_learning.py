"""Active learning: a quarter of the pairs at random, the others by information gain."""

import logging
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import until

from annotate.insights import image_feature_store
from annotate.insights.active_learning import (
    CHECK_INTERVAL_S,
    RANDOM_SHARE,
    SLOWEST_RETRY_S,
    ActiveLearner,
)
from annotate.statistics.preference_model import PreferenceModel, fit_preference_model, sigmoid
from annotate.web.tabs.insights_tab import InsightsTab

D = 5


def voted(taste_D: np.ndarray, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Attributes of chosen and rejected images by somebody with this taste."""
    rng = np.random.default_rng(seed)
    first_ND, second_ND = rng.normal(size=(2, number, D))
    wins_N = rng.random(number) < sigmoid((first_ND - second_ND) @ taste_D)
    won_ND = np.where(wins_N[:, None], first_ND, second_ND)
    return won_ND, np.where(wins_N[:, None], second_ND, first_ND)


def test_the_taste_is_the_mode_of_its_posterior():
    won_ND, lost_ND = voted(np.array([2.0, -1.0, 0, 0, 0.5]), 200, 0)
    taste = fit_preference_model(won_ND, lost_ND)

    def loss(weights_D: np.ndarray) -> float:
        margin_N = taste.standardize(won_ND - lost_ND) @ weights_D
        return float(np.log1p(np.exp(-margin_N)).sum() + 0.5 * (weights_D**2).sum())

    best, step = loss(taste.weights_D), 1e-4 * np.eye(D)
    assert all(loss(taste.weights_D + sign * e) > best for e in step for sign in (1, -1))
    curvature = [(loss(taste.weights_D + e) + loss(taste.weights_D - e) - 2 * best) / 1e-8
                 for e in step]  # fmt: skip
    np.testing.assert_allclose(np.diag(np.linalg.inv(taste.covariance_DD)), curvature, rtol=1e-2)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), number=st.integers(8, 80))
def test_swapping_sides_turns_the_chance_around_and_leaves_the_value(seed, number):
    taste = fit_preference_model(*voted(np.ones(D), number, seed))
    pairs_ND = np.random.default_rng(seed + 1).normal(size=(20, D))
    np.testing.assert_allclose(
        taste.win_probability(pairs_ND) + taste.win_probability(-pairs_ND), 1.0
    )
    np.testing.assert_allclose(taste.information_gain(pairs_ND), taste.information_gain(-pairs_ND))
    assert (taste.information_gain(pairs_ND) >= 0).all()
    assert taste.information_gain(np.zeros((1, D)))[0] == 0


def test_a_vote_teaches_less_the_surer_its_answer_and_the_better_known_its_direction():
    taste = PreferenceModel(np.array([3.0, 0.0]), np.diag([0.01, 1.0]), np.ones(2))
    sure, unknown = taste.information_gain(np.array([[2.0, 0.0], [0.0, 2.0]]))
    assert sure < 0.01 * unknown


def test_nothing_is_learned_from_a_handful_of_votes():
    assert fit_preference_model(*voted(np.ones(D), 7, 0)) is None


@pytest.mark.slow
def test_pairs_are_chosen_by_value_with_their_propensity_noted(place):
    place.label(12)
    chooser = place.studio._active_learner
    until(lambda: (chooser.learn(), chooser._model)[1])
    for _ in range(6):
        until(lambda: (chooser.learn(), knows_what_waits(place))[1])
        place.label(5)
    sql = "SELECT policy, propensity FROM pair_selection ORDER BY vote_id"
    rows = place.store._database.read(sql)
    assert len(rows) > 30, "all but those that were asked on purpose"
    policies = [policy for policy, _ in rows]
    assert policies[:8] == ["oldest"] * 8
    assert {"value", "chance"} <= set(policies)
    for policy, propensity in rows:
        assert propensity == 1.0 if policy == "oldest" else 0 < propensity <= 1
        assert policy != "value" or propensity >= 1 - RANDOM_SHARE


def knows_what_waits(place) -> bool:
    """Return whether all that waits is measured; a busy machine needs several looks."""
    known, waiting = (
        place.studio._active_learner._known,
        place.store.waiting_pairs(place.studio._model_id),
    )
    return all(image in known for pair in waiting for image in (pair.left, pair.right))


@pytest.fixture
def quick(monkeypatch):
    """Let an app try again at once."""
    monkeypatch.setattr("annotate.insights.active_learning.CHECK_INTERVAL_S", 0.01)


@pytest.mark.slow
def test_choosing_pairs_survives_failures_says_so_and_goes_on(quick, open_place, caplog):
    place = open_place()
    chooser, store = place.studio._active_learner, place.store
    place.label(12)
    until(lambda: (chooser.learn(), chooser._model)[1])
    waiting, store.waiting_pairs = store.waiting_pairs, broken(OSError("the disk is away"))
    with caplog.at_level(logging.ERROR, "annotate.insights.active_learning"):
        until(lambda: chooser._failures > 2)
    assert len(caplog.records) == 1, "the same failure is logged once"
    assert chooser._pause() > 0.04, "it is tried again after longer and longer"
    told = place.studio.activity()["choosing"]["problem"]
    assert "the disk is away" in told and "in the order" in told
    until(lambda: place.studio.activity()["message"] == told)
    place.label(3)
    rows = store._database.read("SELECT policy FROM pair_selection ORDER BY vote_id DESC LIMIT 3")
    assert rows == [("oldest",)] * 3
    tab = InsightsTab.__new__(InsightsTab)
    tab._studio, tab._person = place.studio, None
    assert "the disk is away" in tab._learning_problem()
    store.waiting_pairs = waiting
    until(lambda: place.studio.activity()["choosing"]["problem"] is None)
    until(lambda: chooser._model)
    assert tab._learning_problem() == "" and chooser._thread.is_alive()


def test_another_failure_is_logged_too_and_the_wait_is_bounded(quick, open_place, caplog):
    chooser = open_place().studio._active_learner
    with caplog.at_level(logging.ERROR, "annotate.insights.active_learning"):
        for error in (ValueError("first"), ValueError("first"), KeyError("second")):
            chooser._failed(error)
    assert [record.exc_info[1].args for record in caplog.records] == [("first",), ("second",)]
    chooser._failures = 10_000
    assert chooser._pause() <= SLOWEST_RETRY_S
    assert CHECK_INTERVAL_S < SLOWEST_RETRY_S


@pytest.mark.slow
def test_a_pair_that_cannot_be_valued_costs_nobody_a_pair(open_place):
    place = open_place()
    chooser = place.studio._active_learner
    place.label(12)
    until(lambda: (chooser.learn(), chooser._model)[1])
    chooser._values = broken(ValueError("shapes differ"))
    pairs = place.store.waiting_pairs("emoji-0123456789ab")
    chooser._known = {image: np.zeros(D) for pair in pairs for image in (pair.left, pair.right)}
    assert chooser.pick(pairs) == pairs[0]
    assert chooser.selection_of(pairs[0].pair_id) == ("oldest", 1.0)
    assert "shapes differ" in chooser.problem


def broken(error):
    def fails(*args, **kwargs):
        raise error

    return fails


@pytest.mark.slow
def test_an_image_that_breaks_the_measuring_is_left_out_and_logged_once(
    open_place, monkeypatch, caplog
):
    place = open_place()
    store, model_id = place.store, place.studio._model_id
    place.label(12)
    until(lambda: len(store.waiting_pairs(model_id)) > 1)
    place.studio._active_learner.close()
    spoiled = store.waiting_pairs(model_id)[-1].left
    [sha256] = store.image_hashes([spoiled]).values()
    measure = image_feature_store.attributes

    def attributes(path):
        if sha256 in str(path):
            raise ZeroDivisionError("a number that nobody foresaw")
        return measure(path)

    monkeypatch.setattr(image_feature_store, "attributes", attributes)
    monkeypatch.setattr(store.quality, "image_features", lambda *_: {})
    features = image_feature_store.ImageFeatureStore(store, time.monotonic)
    learner = ActiveLearner(store, model_id, features, random.Random(0))
    with caplog.at_level(logging.ERROR, "annotate.insights"):
        until(lambda: (learner.learn(), learner._model)[1] and len(caplog.records))
        learner.learn()
    assert learner.problem is None and spoiled not in learner._known
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@pytest.mark.slow
def test_nothing_is_rebuilt_while_nothing_is_new(open_place):
    place = open_place()
    learner = place.studio._active_learner
    place.label(12)
    until(lambda: (learner.learn(), learner._model)[1])
    learner.close()
    known = learner._known
    images = list(known)[:2]
    assert images and learner._measure(images) is known is learner._known
