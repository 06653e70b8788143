"""On a device that holds one of them, a run pauses for the sampler while somebody labels."""

import time
from pathlib import Path

import pytest
from annotate_doubles import ChildTrainer, PaintingSampler
from places import ENDLESS, Open, Place, until

from annotate.errors import SamplerSuspended
from annotate.service.labeler_view import LabelerView
from annotate.training.turns import TurnRules
from annotate.web.html.run_cards import run_card

pytestmark = pytest.mark.slow

QUICK = TurnRules(min_run_s=0.2, run_per_switch=0.0, min_render_s=0.0, load_s=0.1, leave_s=0.0)
NEVER = TurnRules(min_run_s=1020.0)
GENEROUS = TurnRules(0.99, 0.2, 0.0, 0.0, 0.0, 0.0)


def on_a_gpu(images_dir: Path) -> PaintingSampler:
    return PaintingSampler(images_dir, device="cuda")


def small_card(open_place: Open, rules: TurnRules = QUICK, **options: object) -> Place:
    """A studio on a card that holds only one of the two, with pairs ready."""
    place = open_place(on_a_gpu, trainer=ChildTrainer(crowded=True), turn_rules=rules, **options)
    place.label(1)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    return place


def take_all(place: Place) -> list[str]:
    """Let a page hold all pairs, and ask for one more."""
    have = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 48)["pairs"]]
    place.studio.pairs_ahead("ann", have, 1)
    return have


def test_a_run_pauses_while_somebody_waits_and_then_goes_on(open_place: Open) -> None:
    place = small_card(open_place)
    run_id = place.studio.fine_tune({"steps": 120})["run_id"]
    have = take_all(place)
    # The turn lasts until there are images.
    place.sampler.brush.clear()
    place.reach(run_id, "paused")
    assert "paused while images are rendered." in place.studio.activity()["message"]
    assert "Paused" in run_card(place.studio.run_detail(run_id))
    place.sampler.brush.set()
    until(lambda: place.studio.pairs_ahead("ann", have, 1)["pairs"])

    until(lambda: place.starts(run_id) >= 2 and place.state(run_id) == "running")
    until(lambda: place.sampler.current == "stopped")
    assert place.reach(run_id, "done")["version"] == "v1"
    assert [row["step"] for row in place.studio.run_detail(run_id)["metrics"]] == [*range(1, 121)]


def test_nobody_labels_and_so_the_run_does_not_pause(open_place: Open) -> None:
    minutes = [0.0]
    place = small_card(open_place, clock=lambda: time.monotonic() + 60 * minutes[0])
    minutes[0] = 5.0
    run_id = place.studio.fine_tune({"steps": 100})["run_id"]
    place.reach(run_id, "done")
    assert place.starts(run_id) == 1 and place.sampler.stops == 1


def test_a_page_is_told_when_the_next_images_come_and_a_labeler_no_more_than_that(
    open_place: Open,
) -> None:
    place = small_card(open_place, NEVER)
    place.trainer.eta_s = 9000.0
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    have = take_all(place)
    answer = place.studio.pairs_ahead("ann", have, 1)
    assert answer["reason"] == "A fine-tune runs; next images in 18 min."
    assert 1000 < answer["wait_s"] < 1090
    assert place.studio.activity()["message"].endswith("Next images in 18 min.")

    view = LabelerView(place.studio, place.store.people)
    told = view.pairs_ahead("ann", have, 1)["reason"]
    assert told == "The model is learning from the votes. Next images in 18 min."
    assert run_id not in view.activity()["message"]


def test_a_comparison_is_refused_with_the_time_and_gets_the_next_turn(open_place: Open) -> None:
    minutes = [0.0]
    clock = {"clock": lambda: time.monotonic() + 60 * minutes[0]}
    place = small_card(open_place, GENEROUS, **clock)
    minutes[0] = 5.0
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    with pytest.raises(SamplerSuspended, match=r"next images in .*Compare again then"):
        place.studio.compare("a cat", 1, "base", "base")
    place.reach(run_id, "paused")
    until(lambda: place.sampler.current == "ready")
    assert place.studio.compare("a cat", 1, "base", "base")["before_url"]
    place.reach(run_id, "running")


def test_a_paused_run_can_be_cancelled_and_resumed(open_place: Open) -> None:
    place = small_card(open_place, GENEROUS)
    place.sampler.brush.clear()
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    take_all(place)
    place.reach(run_id, "paused")
    place.studio.cancel_run(run_id)
    place.reach(run_id, "cancelled")
    place.studio.resume_run(run_id)
    until(lambda: place.starts(run_id) == 2)


def test_a_person_can_end_the_pause(open_place: Open) -> None:
    place = small_card(open_place, GENEROUS)
    place.sampler.brush.clear()
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    take_all(place)
    place.reach(run_id, "paused")
    place.studio.resume_run(run_id)
    until(lambda: place.starts(run_id) == 2)


def test_a_sampler_that_fails_gives_the_device_back(open_place: Open) -> None:
    class Lost(PaintingSampler):
        def start(self) -> None:
            self.current = "failed" if self.stops else "ready"

    place = open_place(
        lambda folder: Lost(folder, "cuda"), trainer=ChildTrainer(crowded=True), turn_rules=QUICK
    )
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 100})["run_id"]
    take_all(place)
    place.reach(run_id, "done")
    assert place.starts(run_id) >= 2


def test_a_run_goes_on_when_the_app_closes_and_the_next_app_takes_it_up(open_place: Open) -> None:
    place = small_card(open_place, GENEROUS)
    place.sampler.brush.clear()
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    take_all(place)
    place.reach(run_id, "paused")
    place.close()
    until(lambda: place.starts(run_id) == 2)

    following = open_place(trainer=place.trainer)
    assert following.state(run_id) == "running"
    assert place.starts(run_id) == 2


def test_the_next_app_goes_on_with_a_run_that_a_killed_app_left_paused(open_place: Open) -> None:
    place = small_card(open_place, GENEROUS)
    place.sampler.brush.clear()
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    take_all(place)
    place.reach(run_id, "paused")
    # As if it were killed: nothing more is done for its run.
    place.studio._runs._running = None
    place.close()

    following = open_place(trainer=place.trainer)
    following.reach(run_id, "running")
    until(lambda: following.starts(run_id) == 2)


def test_the_next_app_loads_no_sampler_beside_a_run_that_has_the_card(open_place: Open) -> None:
    class Loading(PaintingSampler):
        def start(self) -> None:
            self.current = "loading"

    place = small_card(open_place, NEVER)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    place.close()
    following = open_place(Loading, trainer=place.trainer)
    assert following.sampler.current == "stopped"
    assert "Next images" in following.studio.activity()["message"]
    following.studio.cancel_run(run_id)
    following.reach(run_id, "cancelled")
    until(lambda: following.sampler.current == "loading")


def test_a_blind_test_waits_for_its_turn_and_logs_no_fault(
    open_place: Open, caplog: pytest.LogCaptureFixture
) -> None:
    minutes = [0.0]
    clock = {"clock": lambda: time.monotonic() + 60 * minutes[0]}
    place = small_card(open_place, GENEROUS, **clock)
    first = place.studio.fine_tune({})["run_id"]
    place.reach(first, "done")
    minutes[0] = 5.0
    place.studio.fine_tune(ENDLESS)
    test = place.studio.blind_tests.begin("base", "v1", [f"a cat on day {n}" for n in range(4)])
    pairs = until(lambda: place.studio.pairs_ahead("ann", [], 1, test["trial"])["pairs"])
    assert len(pairs) == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_run_that_was_asked_to_pause_goes_on_when_the_app_closes(open_place: Open) -> None:
    class Slow(ChildTrainer):
        def pause(self, run_dir: Path) -> None:
            place.trainer_process(run_dir.name).suspend()
            super().pause(run_dir)

    trainer = Slow(crowded=True)
    place = open_place(on_a_gpu, trainer=trainer, turn_rules=GENEROUS)
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    take_all(place)
    pause = place.store.run_dir(run_id) / "pause"
    until(pause.exists)
    place.close()
    assert not pause.exists()
    place.trainer_process(run_id).resume()
    assert trainer.status(place.store.run_dir(run_id)).state == "running"


def test_a_second_run_that_is_asked_for_leaves_the_sampler_its_whole_turns(
    open_place: Open,
) -> None:
    place = small_card(open_place, NEVER)
    target = place.studio._pool.target
    place.studio.fine_tune(ENDLESS)
    until(lambda: place.sampler.current == "stopped")
    before = target.pairs
    place.studio.fine_tune(ENDLESS)
    assert (target.run_shares_device, target.pairs) == (False, before)


def test_a_run_that_a_killed_app_left_paused_can_be_cancelled_before_it_goes_on(
    open_place: Open,
) -> None:
    place = small_card(open_place, GENEROUS)
    place.sampler.brush.clear()
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    take_all(place)
    place.reach(run_id, "paused")
    place.studio._runs._running = None
    place.close()

    following = open_place(trainer=place.trainer, watch_s=3600.0)
    assert following.state(run_id) == "queued"
    following.studio.cancel_run(run_id)
    assert following.state(run_id) == "cancelled" and following.starts(run_id) == 1
