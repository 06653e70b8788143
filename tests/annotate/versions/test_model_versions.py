"""Which version new pairs come from, and what a run does to the drawing meanwhile."""

from pathlib import Path

import pytest
from annotate_doubles import PaintingSampler
from places import ENDLESS, Open, Place, until

from annotate.errors import AnnotateError
from annotate.labeling.new_acts import as_vote
from storage.errors import UnknownVersion

pytestmark = pytest.mark.slow


def test_new_pairs_come_from_the_version_made_active(place: Place) -> None:
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    page = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 4)["pairs"]]
    place.studio.activate("v1")
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    assert place.studio.next_pair("ann")["pair_id"] == page[0]
    answer = place.studio.pairs_ahead("ann", page, 4)
    assert answer["passed_over"] == page[1:]
    assert {place.store.pair(p["pair_id"]).version for p in answer["pairs"]} == {"v1"}
    assert place.studio.pairs_ahead("bob", [], 4)["pairs"]
    place.studio.vote(as_vote(page[0], "left", "ann", "k1"))
    assert place.store.pair(place.studio.next_pair("ann")["pair_id"]).version == "v1"
    with pytest.raises(UnknownVersion):
        place.studio.activate("v9")


def test_pairs_of_an_older_version_are_shown_rather_than_none(place: Place) -> None:
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    place.sampler.trouble = "Out of memory."
    place.studio.activate("v1")
    until(lambda: place.studio.activity()["pool"]["problem"])
    pair = place.studio.next_pair("ann")
    assert place.store.pair(pair["pair_id"]).version == "base"


def on_a_gpu(images_dir: Path) -> PaintingSampler:
    return PaintingSampler(images_dir, device="cuda")


def test_the_image_model_makes_room_for_a_run_where_both_do_not_fit(open_place: Open) -> None:
    place = open_place(sampler=on_a_gpu, min_ready=24)
    place.trainer.crowded = True
    place.label(1)
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    assert place.sampler.current == "stopped"
    have = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 48)["pairs"]]
    assert len(have) == 24
    answer = place.studio.pairs_ahead("ann", have, 1)
    assert answer["pairs"] == [] and "A fine-tune runs" in answer["reason"] and answer["wait_s"] > 0
    with pytest.raises(AnnotateError, match="A fine-tune runs"):
        place.studio.compare("a cat", 1, "base", "base")
    place.studio.cancel_run(run_id)
    place.reach(run_id, "cancelled")
    until(lambda: place.studio.pairs_ahead("ann", have, 1)["pairs"])


def test_both_go_on_where_they_fit(open_place: Open) -> None:
    place = open_place(sampler=on_a_gpu)
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    place.label(30)
    assert place.state(run_id) == "running"
    assert place.sampler.stops == 0
