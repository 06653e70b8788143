"""Pairs are rendered ahead."""

import time
from pathlib import Path

import pytest
from annotate_doubles import PaintingSampler
from PIL import Image
from places import Open, Place, until

from align.contracts.rendering import SamplerState
from annotate.labeling.new_acts import as_vote
from annotate.rendering.pool_target import MIN_READY_PAIRS


@pytest.fixture
def min_ready() -> int:
    """As many as the app keeps ready."""
    return MIN_READY_PAIRS


@pytest.mark.slow
def test_the_first_request_is_one_pair_and_the_later_ones_are_eight(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    assert place.sampler.requests[:4] == [2, 16, 16, 14]


@pytest.mark.slow
def test_drawing_stops_at_the_target(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    drawn = sum(place.sampler.requests)
    place.label(8)
    until(lambda: sum(place.sampler.requests) > drawn)
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    assert place.studio.stats()["ready_pairs"] == 24


@pytest.mark.slow
def test_a_full_pool_waits_until_a_whole_request_is_missing(place: Place) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    asked = len(place.sampler.requests)
    place.label(7)
    place.studio.next_pair("ann")
    until(lambda: len(place.sampler.requests) > asked)
    assert place.sampler.requests[asked:] == [16]


@pytest.mark.slow
def test_more_pairs_are_drawn_ahead_when_votes_come_fast(place: Place) -> None:
    place.label(40)
    until(lambda: place.studio.stats()["ready_pairs"] >= 40)


@pytest.mark.slow
def test_pairs_nobody_saw_are_there_at_once_after_a_restart(open_place: Open) -> None:
    place = open_place()
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    place.close()

    class Slow(PaintingSampler):
        def start(self) -> None:
            self.brush.clear()
            super().start()

    place = open_place(sampler=Slow)
    assert place.studio.stats()["ready_pairs"] == 24
    assert "pair_id" in place.studio.next_pair("ann")


@pytest.mark.slow
@pytest.mark.parametrize("count", [60])
def test_the_better_known_seed_is_not_always_on_the_left(place: Place, count: int) -> None:
    seeds = []
    for _ in range(count):
        pair = until(lambda: place.studio.pairs_ahead("ann", [], 1)["pairs"])[0]
        left, right = (place.store.image(pair[side][4:20]) for side in ("left_url", "right_url"))
        assert left and right
        seeds.append(left.recipe["seed"] < right.recipe["seed"])
        place.studio.vote(as_vote(pair["pair_id"], "tie", "ann", pair["pair_id"]))
    assert 5 < sum(seeds) < count - 5


def test_a_sampler_that_fails_is_told_and_drawing_goes_on_when_it_works(open_place: Open) -> None:
    class Broken(PaintingSampler):
        def start(self) -> None:
            if not self.requests:
                self.trouble = "The disk of the model is gone."
            super().start()

    place = open_place(sampler=Broken)
    until(lambda: "The disk of the model is gone." in place.studio.activity()["message"])
    assert "The disk of the model is gone." in place.studio.next_pair("ann")["reason"]
    place.sampler.trouble = None
    until(lambda: place.studio.stats()["ready_pairs"])
    until(lambda: place.studio.activity()["pool"]["problem"] is None)


def test_a_sampler_that_cannot_be_started_says_so(open_place: Open) -> None:
    class Dead(PaintingSampler):
        def start(self) -> None:
            self.current = "failed"

    place = open_place(sampler=Dead)
    until(lambda: place.studio.next_pair("ann")["reason"] == "The image model cannot be started.")


class Lost(PaintingSampler):
    """A model that cannot be loaded until its disk is back."""

    def __init__(self, images_dir: Path) -> None:
        super().__init__(images_dir)
        self.disk_is_back = False

    def start(self) -> None:
        self.current = "ready" if self.disk_is_back else "failed"

    def state(self) -> SamplerState:
        reason = "sdxl could not be loaded (the disk is gone): copy it again."
        return SamplerState(self.current, reason if self.current == "failed" else "", self.device)


def test_a_model_that_cannot_be_loaded_is_told_whole_once_and_can_be_tried_again(
    open_place: Open, caplog: pytest.LogCaptureFixture
) -> None:
    place = open_place(sampler=Lost)
    until(lambda: place.studio.activity()["sampler"]["state"] == "failed")
    reason = place.sampler.state().detail
    assert place.studio.next_pair("ann")["reason"] == reason
    assert place.studio.activity()["message"] == reason
    advice = place.studio.activity()["sampler"]["advice"]
    assert "your own images" in advice and "--model" in advice
    assert not [record for record in caplog.records if record.exc_info]

    assert place.studio.retry_model()["state"] == "failed"
    place.sampler.disk_is_back = True
    assert place.studio.retry_model() == {
        "state": "ready",
        "detail": "",
        "device": "cpu",
        "device_summary": "",
        "advice": None,
    }
    until(lambda: "pair_id" in place.studio.next_pair("ann"))


def test_own_images_are_labeled_while_the_model_cannot_be_loaded(
    open_place: Open, tmp_path: Path
) -> None:
    place = open_place(sampler=Lost)
    for place_in_pair, colour in enumerate(("red", "blue")):
        Image.new("RGB", (64, 64), colour).save(tmp_path / f"a fox {place_in_pair}.png")
        (tmp_path / f"a fox {place_in_pair}.txt").write_text("a fox", encoding="utf-8")
    place.studio.importer.import_folder(str(tmp_path))
    pair = place.studio.next_pair("ann")
    assert place.studio.vote(as_vote(pair["pair_id"], "left", "ann", "first"))["accepted"]


def test_an_error_that_comes_again_and_again_is_logged_once(
    open_place: Open, caplog: pytest.LogCaptureFixture
) -> None:
    place = open_place()
    place.sampler.trouble = "The gear is gone."
    until(lambda: place.studio.activity()["pool"]["problem"])
    until(lambda: place.studio._pool._failures >= 2)
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1 and told[0].exc_info is None and "gear" in told[0].getMessage()
    place.sampler.trouble = None


def test_images_that_do_not_come_are_told_by_the_minute(open_place: Open) -> None:
    class Slow(PaintingSampler):
        def start(self) -> None:
            self.brush.clear()
            super().start()

    minutes = [0.0]
    place = open_place(sampler=Slow, clock=lambda: time.monotonic() + 60 * minutes[0])
    until(lambda: place.studio._pool.requests.waiting_since is not None)
    assert place.studio.activity()["message"] == "Rendering pairs: 0 of 24 ready."
    minutes[0] = 7.0
    told = "Rendering pairs: 0 of 24 ready. No image has come for 7 minutes."
    assert place.studio.activity()["message"] == told
    place.sampler.brush.set()
    until(lambda: "No image" not in place.studio.activity()["message"])


def test_both_threads_end_with_the_app(open_place: Open) -> None:
    place = open_place()
    place.sampler.brush.clear()
    place.close()
    assert place.sampler.current == "stopped"
    assert not place.studio._pool._thread.is_alive()
    assert not place.studio._runs._thread.is_alive()


@pytest.mark.slow
def test_images_that_look_alike_are_rarely_asked_about(open_place: Open) -> None:
    class Dull(PaintingSampler):
        def __init__(self, images_dir: Path) -> None:
            super().__init__(images_dir)
            self.dull = (120, 60, 200)

    place = open_place(Dull)
    until(lambda: place.studio.stats()["ready_pairs"] >= 6)
    shown, drawn = place.studio.stats()["ready_pairs"], sum(place.sampler.requests) / 2
    assert drawn >= 4 * (shown - 1), "of four such pairs one is shown"


def test_pairs_of_open_pages_are_told_while_more_are_rendered(open_place: Open) -> None:
    place = open_place()
    until(lambda: place.studio.stats()["ready_pairs"] == 24)
    place.sampler.brush.clear()
    place.studio.pairs_ahead("ann", [], 3)
    told = "Rendering pairs: 3 on open pages, 21 of 24 more ready."
    assert place.studio.activity()["message"] == told
    place.sampler.brush.set()
