"""Durations as people say them."""

from __future__ import annotations

import pytest

from align.contracts.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (4.4, "4 s"),
        (59.7, "1 min"),
        (90, "2 min"),
        (3599, "1 h"),
        (65 * 60, "1 h 5 min"),
        (785 * 60, "13 h"),
        (9.99 * 3600, "9 h 59 min"),
        (10.4 * 3600, "10 h"),
        (47.4 * 3600, "47 h"),
        (60 * 3600, "2 days"),
        (9 * 86_400, "9 days"),
    ],
)
def test_a_duration_is_told_in_the_units_that_people_use_for_it(seconds, words):
    assert in_words(seconds) == words
