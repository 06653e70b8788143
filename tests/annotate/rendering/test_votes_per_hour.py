"""How many pairs a device renders in an hour is measured, and before that expected."""

import pytest
from places import Open, until

from annotate.rendering.votes_per_hour import RenderingSpeed


@pytest.mark.parametrize(
    ("seconds", "measured", "said"),
    [
        (25.7, True, "This device renders about 140 pairs an hour."),
        (51.0, False, "This device should render about 71 pairs an hour."),
        (1.0, True, "This device renders about 3,600 pairs an hour."),
        (5000.0, True, "This device renders about 1 pair an hour."),
    ],
)
def test_the_speed_is_told_in_pairs_an_hour(seconds, measured, said):
    assert RenderingSpeed(seconds, measured).sentence() == said


@pytest.mark.slow
def test_what_is_expected_gives_way_to_what_was_measured(open_place: Open) -> None:
    place = open_place(min_ready=2)
    until(lambda: place.studio.stats()["ready_pairs"] >= 2)
    place.studio._pool.requests.image_s = 0.0
    place.studio._pool.requests.pace.seconds_per_pair = None
    assert place.studio.stats()["pairs_per_hour"] is None
    assert place.studio.stats()["rendering_speed"] == ""

    place.sampler.expected_s = 18.0
    assert place.studio.stats()["pairs_per_hour"] == 100
    assert "should render" in place.studio.stats()["rendering_speed"]

    place.studio._pool.requests.pace.seconds_per_pair = 72.0
    assert place.studio.stats()["pairs_per_hour"] == 50
    assert place.studio.stats()["rendering_speed"] == (
        "This device renders about 50 pairs an hour."
    )
