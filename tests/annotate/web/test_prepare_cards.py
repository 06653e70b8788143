"""The section to prepare pairs says what a number takes, how far an order is, and why not."""

import pytest

from annotate.views.pair_rendering import PreparedPairsView, PrepareEstimate
from annotate.web.html.prepare_cards import estimate_card, not_prepared_card, prepared_card
from annotate.wording import in_bytes, in_time

VIEW: PreparedPairsView = {
    "state": "rendering",
    "asked": 200,
    "rendered": 143,
    "message": "200 asked for, 143 rendered: about 3 minutes to go.",
    "eta_s": 171.0,
    "seconds_per_pair": 3.0,
    "bytes_per_pair": 3_000_000,
    "bytes_measured": True,
    "free_bytes": 80_000_000_000,
    "reserved_bytes": 2_000_000_000,
    "max_pairs": 26_000,
    "ready": [
        {"version": "v1", "ready": 1},
        {"version": "imported", "ready": 2},
        {"version": "base", "ready": 1_140},
    ],
}
ESTIMATE: PrepareEstimate = {
    "pairs": 1_000,
    "seconds": 3_000.0,
    "bytes": 3_000_000_000,
    "message": "",
    "refusal": None,
}


def test_an_order_shows_its_share_and_who_rendered_what_waits() -> None:
    card = prepared_card(VIEW)
    assert "200 asked for, 143 rendered: about 3 minutes to go." in card
    assert 'aria-valuenow="71"' in card
    told = "Ready now: 1,140 pairs of base, 2 pairs of imported images, 1 pair of v1."
    assert told in card


@pytest.mark.parametrize("state", ["none", "done", "stopped"])
def test_there_is_no_bar_where_nothing_is_under_way(state: str) -> None:
    assert "progressbar" not in prepared_card({**VIEW, "state": state})


def test_no_count_is_shown_while_a_blind_test_is_mixed_in() -> None:
    card = prepared_card({**VIEW, "ready": None})
    assert "not shown while a blind test is mixed in" in card and "1,140" not in card


def test_time_disk_and_free_disk_are_told_before() -> None:
    card = estimate_card(ESTIMATE, VIEW)
    for figure in ("1,000", "50 minutes", "3.0 GB", "80.0 GB"):
        assert f"<b>{figure}</b>" in card
    assert "role" not in card


def test_what_is_not_measured_is_said_to_be_guessed() -> None:
    card = estimate_card({**ESTIMATE, "seconds": None}, {**VIEW, "bytes_measured": False})
    assert "not measured now" in card and "of disk, by the pixels" in card


def test_a_refusal_is_an_alert() -> None:
    assert '<p role="alert">No &lt;room&gt;.</p>' in estimate_card(
        {**ESTIMATE, "refusal": "No <room>."}, VIEW
    )
    assert 'role="alert"' in not_prepared_card("Say how many.")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (5_390, "90 minutes"),
        (5_400, "1.5 hours"),
        (200_000, "2.3 days"),
    ],
)
def test_durations_are_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert in_time(seconds) == words


def test_sizes_are_told_in_the_unit_that_fits() -> None:
    assert [in_bytes(size) for size in (7, 1_500, 2_340_000, 99_000_000_000_000)] == [
        "7 bytes",
        "2 kB",
        "2.3 MB",
        "99000 GB",
    ]
