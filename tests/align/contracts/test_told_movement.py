"""A distance from the base in words."""

from __future__ import annotations

import pytest

from align.contracts.movement import FAR, HARDLY, LITTLE, percent_of, told_movement


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "hardly"),
        (HARDLY * 0.99, "hardly"),
        (HARDLY, "a little"),
        (LITTLE * 0.99, "a little"),
        (LITTLE, "clearly"),
        (FAR, "clearly"),
        (FAR * 1.01, "far"),
    ],
)
def test_a_distance_is_called_by_the_runs_that_came_to_it(share, words):
    told = told_movement(share)
    assert told.words == words
    assert told.sentence.startswith(f"It {'hardly moved' if words == 'hardly' else 'moved'}")
    assert percent_of(share) in told.sentence


def test_a_version_that_hardly_moved_is_to_train_longer_and_one_that_went_far_shorter():
    assert "train longer, or with a higher learning rate" in told_movement(0.0).sentence
    assert "fewer steps, a lower learning rate" in told_movement(2 * FAR).sentence


def test_small_shares_have_a_decimal():
    assert [percent_of(share) for share in (0.004, 0.0316, 0.126)] == ["0.4%", "3.2%", "13%"]
