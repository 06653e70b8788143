"""A person asks for a number of pairs, for people who label later."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from annotate_doubles import PaintingSampler, small_model
from places import ENDLESS, Open, Place, until

from annotate.errors import AlreadyPreparing, InvalidRequest
from annotate.rendering import pair_costs
from annotate.rendering.look import own_look

pytestmark = pytest.mark.slow


class Disk(NamedTuple):
    """What `shutil.disk_usage` says."""

    free: int


@pytest.fixture
def disk_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the disk have so many bytes free."""
    return lambda free: monkeypatch.setattr(pair_costs.shutil, "disk_usage", lambda _: Disk(free))


def prepared(place: Place) -> dict[str, Any]:
    return dict(place.studio.preparation.view())


def rendered_all(place: Place) -> Callable[[], bool]:
    return lambda: prepared(place)["state"] == "done"


def pairs_of(place: Place, version: str = "base") -> int:
    found = place.store._database.read("SELECT count(*) FROM pairs WHERE version = ?", [version])
    return int(found[0][0])


def test_so_many_pairs_are_rendered_beyond_those_that_are_ready(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 8)
    assert prepared(place)["state"] == "none"
    view = place.studio.preparation.begin(20, "me")
    assert (view["asked"], view["state"]) == (20, "rendering")
    assert view["message"].startswith("20 asked for, ")
    until(rendered_all(place))
    assert prepared(place)["rendered"] == 20
    assert prepared(place)["message"] == "20 asked for, all rendered."
    assert prepared(place)["ready"] == [{"version": "base", "ready": 28}]
    assert pairs_of(place) == 28


def test_votes_use_prepared_pairs_up_and_none_is_rendered_twice(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 8)
    place.studio.preparation.begin(20, "me")
    until(rendered_all(place))
    place.label(15)
    assert (place.studio.stats()["ready_pairs"], pairs_of(place)) == (13, 28)
    place.label(10)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    assert prepared(place)["rendered"] == 20, "what the pool renders by itself is not of the order"


def test_an_order_goes_on_after_a_restart_with_what_is_left_of_it(open_place: Open) -> None:
    place = open_place()
    until(lambda: place.studio.stats()["ready_pairs"] == 8)
    place.studio.preparation.begin(60, "me")
    until(lambda: prepared(place)["rendered"] >= 16)
    place.sampler.brush.clear()
    place.label(5)
    before = pairs_of(place)
    place.close()

    place = open_place()
    until(rendered_all(place))
    assert before < pairs_of(place) == 68
    assert place.studio.stats()["ready_pairs"] == 63

    place.close()
    place = open_place()
    assert prepared(place)["message"] == "60 asked for, all rendered."
    assert place.studio.stats()["ready_pairs"] == 63, "none of them is rendered again"
    assert not place.sampler.requests


def test_a_stopped_order_stays_stopped_and_its_pairs_stay_ready(open_place: Open) -> None:
    place = open_place()
    place.studio.preparation.begin(1000, "me")
    until(lambda: prepared(place)["rendered"] >= 8)
    stopped = place.studio.preparation.stop("me")
    assert stopped["state"] == "stopped" and stopped["message"].endswith("then stopped.")
    place.close()
    place = open_place()
    assert prepared(place)["state"] == "stopped"
    assert place.studio.stats()["ready_pairs"] >= 8
    assert place.studio.preparation.begin(1, "me")["asked"] == 1


def test_no_more_can_be_asked_for_while_pairs_are_prepared(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 8)
    place.sampler.brush.clear()
    place.studio.preparation.begin(30, "me")
    told = "8 pairs ready; of 30 to prepare 0 are rendered."
    assert place.studio.activity()["message"] == told
    with pytest.raises(AlreadyPreparing, match="30 pairs were asked for, and 0 of them"):
        place.studio.preparation.begin(5, "me")


@pytest.mark.parametrize("count", [None, "", 0, -1, 100_001, 2.5, True, "ten", float("nan"), [3]])
def test_odd_numbers_are_refused_in_a_sentence(place: Place, count: Any) -> None:
    for call in (
        place.studio.preparation.estimate,
        lambda n: place.studio.preparation.begin(n, ""),
    ):
        with pytest.raises(InvalidRequest, match="whole number from 1 to 100,000"):
            call(count)


def without_brush(images_dir: Path) -> PaintingSampler:
    """Return a sampler that waits before its first image."""
    sampler = PaintingSampler(images_dir)
    sampler.brush.clear()
    return sampler


def test_time_and_disk_are_told_before(open_place: Open, disk_with: Callable[[int], None]) -> None:
    disk_with(10_000_000_000)
    place = open_place(without_brush)
    guessed = place.studio.preparation.estimate(100)
    # Two images of 16 x 16 pixels, 1.6 bytes each, and a row.
    assert guessed["bytes"] == 100 * (round(2 * 256 * 1.6) + 1000)
    assert guessed["message"] == (
        "100 pairs take about 182 kB of disk, by the pixels. How long is not measured now."
    )
    place.sampler.brush.set()
    until(lambda: prepared(place)["seconds_per_pair"])
    measured = place.studio.preparation.estimate(100)
    assert measured["message"].startswith("100 pairs take about ") and measured["refusal"] is None
    file = next(place.store.images_dir.glob("*/*.png"))
    assert measured["bytes"] == 100 * (2 * pair_costs.file_bytes(file) + 1000)


def test_what_was_measured_in_another_look_is_not_told(place: Place) -> None:
    until(lambda: prepared(place)["seconds_per_pair"])
    place.sampler.brush.clear()
    place.studio.look.change({"steps": 50}, "me")
    assert prepared(place)["seconds_per_pair"] is None
    assert place.studio.stats()["pairs_per_hour"] is None

    asked = len(place.sampler.requests)
    place.sampler.brush.set()
    until(lambda: prepared(place)["seconds_per_pair"])
    assert place.sampler.requests[asked] == 2, "one pair first, so that it is there quickly"


def test_of_several_sizes_a_pair_takes_the_mean(place: Place) -> None:
    place.sampler.brush.clear()
    look = replace(own_look(small_model()), sizes=((16, 16), (48, 16)))
    # On average 512 pixels an image.
    taken = pair_costs.pair_bytes(place.store, "another model", look)
    assert taken == pair_costs.PairBytes(round(2 * 512 * 1.6) + 1000, measured=False)


def test_what_the_disk_does_not_hold_is_refused(
    place: Place, disk_with: Callable[[int], None]
) -> None:
    until(lambda: prepared(place)["seconds_per_pair"])
    pair = prepared(place)["bytes_per_pair"]
    disk_with(2_000_000_000 + 50 * pair)
    assert prepared(place)["max_pairs"] == 50
    assert place.studio.preparation.estimate(50)["refusal"] is None
    with pytest.raises(InvalidRequest, match="Ask for 50 at most, or free some under Versions"):
        place.studio.preparation.begin(51, "me")
    assert prepared(place)["state"] == "none"


def test_an_order_waits_while_the_disk_is_full(
    place: Place, disk_with: Callable[[int], None]
) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 8)
    place.sampler.brush.clear()
    place.studio.preparation.begin(20, "me")
    disk_with(1_900_000_000)
    place.sampler.brush.set()
    until(lambda: prepared(place)["state"] == "paused")
    assert "The disk has 1.9 GB free, and 2.0 GB are left" in prepared(place)["message"]
    disk_with(9_000_000_000)
    until(rendered_all(place))


def test_an_order_waits_for_a_run_that_has_the_device(open_place: Open) -> None:
    place = open_place()
    place.label(1)
    place.sampler.brush.clear()
    place.studio.preparation.begin(300, "me")
    run = place.studio.fine_tune(ENDLESS)["run_id"]
    until(lambda: prepared(place)["state"] == "paused")
    assert "Paused: A run has the device" in prepared(place)["message"]
    place.sampler.brush.set()
    place.studio.cancel_run(run)
    until(lambda: prepared(place)["state"] == "rendering")
    place.studio.preparation.stop("me")


def tuned(open_place: Open) -> Place:
    """Return a studio with v1 beside the base, which is active and has pairs ready."""
    place = open_place()
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    place.studio.activate("base")
    until(lambda: ready_of(place).get("base", 0) >= 8)
    return place


def ready_of(place: Place) -> dict[str, int]:
    return {each["version"]: each["ready"] for each in prepared(place)["ready"]}


def versions_shown(place: Place, count: int) -> list[str]:
    pairs = place.studio.pairs_ahead("ann", [], count)["pairs"]
    return [place.store.pair(pair["pair_id"]).version for pair in pairs]


def test_prepared_pairs_serve_while_the_new_version_has_none(open_place: Open) -> None:
    place = tuned(open_place)
    place.studio.preparation.begin(20, "me")
    until(rendered_all(place))
    place.sampler.brush.clear()
    before = ready_of(place)
    place.studio.activate("v1")

    assert versions_shown(place, 40)[-20:] == ["base"] * 20
    assert versions_shown(place, before.get("v1", 0)) == ["v1"] * before.get("v1", 0)
    place.close()
    place = open_place()
    assert ready_of(place)["base"] == before["base"], "kept until they are used"


def test_pairs_of_another_version_that_nobody_prepared_do_not_serve(open_place: Open) -> None:
    place = tuned(open_place)
    place.sampler.brush.clear()
    place.studio.activate("v1")
    assert "base" not in versions_shown(place, 40)


def test_what_is_left_of_an_order_is_rendered_in_the_new_look(open_place: Open) -> None:
    place = open_place()
    place.studio.preparation.begin(5000, "me")
    until(lambda: prepared(place)["rendered"] >= 16)
    place.sampler.brush.clear()
    before = prepared(place)["rendered"]
    place.studio.look.change({"steps": 7}, "me")
    assert prepared(place)["rendered"] == 0 < before
    place.sampler.brush.set()
    until(lambda: prepared(place)["rendered"] >= 16)
    place.studio.preparation.stop("me")

    unvoted, base = place.store.pairs.unvoted, place.studio._model_id
    assert len(unvoted(base, lambda recipe: recipe["steps"] != 7)) >= before

    def new() -> int:
        return len(unvoted(base, lambda recipe: recipe["steps"] == 7))

    # A pair that was being rendered may come a moment after the stop.
    until(lambda: new() == place.studio.stats()["ready_pairs"])
    assert new() >= 16


def test_what_would_tell_a_blind_tests_pairs_is_hidden_while_it_is_mixed_in(
    place: Place, disk_with: Callable[[int], None]
) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] == 8)
    place.studio._assigner.mix_in("t1")
    place.studio.preparation.begin(20, "me")
    until(rendered_all(place))
    assert prepared(place)["ready"] is None
    # Each new image changes these, and they come in place of pairs that are not the test's.
    disk_with(67_543_210_987)
    hidden = prepared(place)
    assert hidden["seconds_per_pair"] is None and hidden["free_bytes"] == 67_000_000_000
    place.studio._assigner.drop_trial("t1")
    assert prepared(place)["seconds_per_pair"] and prepared(place)["free_bytes"] == 67_543_210_987
