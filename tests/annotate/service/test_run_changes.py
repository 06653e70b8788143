"""What the newest run changed, in an open studio, and what the card's buttons do."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from places import Place

from align.contracts.run_samples import image_name
from annotate.errors import InvalidRequest

pytestmark = pytest.mark.slow


def trained(place: Place, **settings: Any) -> str:
    """Label three pairs, run to the end, and return the run."""
    place.label(3)
    run_id = place.studio.fine_tune(settings)["run_id"]
    place.reach(run_id, "done")
    return run_id


def write_samples(run_dir: Path, *shares: float) -> None:
    """Write samples of one prompt as a trainer does."""
    (run_dir / "samples").mkdir()
    names = {share: image_name(share, 0) for share in shares}
    for name in names.values():
        Image.new("RGB", (8, 8), "red").save(run_dir / name)
    stages = [{"step": 9, "share": share, "images": [name]} for share, name in names.items()]
    samples = {"prompts": [{"prompt": "a cat", "seed": 7, "voted": True}], "stages": stages}
    (run_dir / "samples.json").write_text(json.dumps(samples), encoding="utf-8")


def test_before_the_first_run_there_is_no_card(place: Place) -> None:
    assert (place.studio.changes.newest(), place.studio.changes.shown()) == (None, "")


def test_the_newest_run_is_shown_before_and_after(place: Place) -> None:
    run_id = trained(place)
    write_samples(place.store.run_dir(run_id), 0, 0.5, 1)
    change = place.studio.changes.newest()
    assert (change["run_id"], change["version"], change["kept"]) == (run_id, "v1", "base")
    assert (change["title"], change["sure"], change["active"]) == ("It changed", False, False)
    (sample,) = change["samples"]
    assert (sample["prompt"], sample["seed"], sample["voted"]) == ("a cat", 7, True)
    assert "000" in sample["before"] and "100" in sample["after"]


def test_a_run_without_its_last_image_shows_none(place: Place) -> None:
    write_samples(place.store.run_dir(trained(place)), 0, 0.5)
    assert place.studio.changes.newest()["samples"] == []


def test_a_version_is_used_and_the_base_is_kept_by_a_button(place: Place) -> None:
    run_id = trained(place)
    changes, shown = place.studio.changes, place.studio.changes.shown()
    assert "rendered by v1" in changes.act(run_id, "use")
    assert place.store.active("emoji-0123456789ab").version == "v1"
    assert changes.shown() != shown and changes.newest()["active"]
    assert "rendered by base" in changes.act(run_id, "keep")
    assert not changes.newest()["active"]


def test_a_run_goes_on_from_a_version_or_is_made_twice_as_long(place: Place) -> None:
    first = trained(place)
    assert "A new run is under way" in place.studio.changes.act(first, "train_on")
    place.reach("r0002", "done")
    assert place.studio.runs()[0]["settings"] == {"init_from": "v1"}
    place.studio.changes.act("r0002", "stronger")
    assert place.studio.runs()[0]["settings"] == {"init_from": "v1", "budget": "strong"}
    place.reach("r0003", "done")
    place.studio.changes.act("r0003", "stronger")
    assert place.studio.runs()[0]["settings"] == {"init_from": "v1", "steps": 6}


def test_a_button_of_an_older_card_does_nothing(place: Place) -> None:
    first = trained(place)
    trained(place)
    with pytest.raises(InvalidRequest, match="Another run has ended"):
        place.studio.changes.act(first, "use")
    with pytest.raises(InvalidRequest, match="no button 'explode'"):
        place.studio.changes.act("r0002", "explode")


def test_a_version_that_was_deleted_has_no_card(place: Place) -> None:
    trained(place, result={"held_out": {}})
    place.studio.registry.delete("v1")
    assert place.studio.changes.newest() is None


def test_a_run_that_failed_says_why_until_another_begins(place: Place) -> None:
    place.label(3)
    failed = place.studio.fine_tune({"fail_at": 2})["run_id"]
    assert place.studio.changes.under_way()
    place.reach(failed, "failed")
    assert place.studio.changes.failure() == "The loss is no longer a number."
    assert not place.studio.changes.under_way()
    trained(place)
    assert place.studio.changes.failure() == ""


def test_a_run_whose_files_were_deleted_keeps_its_card_as_long_as_its_version_is_there(
    place: Place,
) -> None:
    run_id = trained(place)
    write_samples(place.store.run_dir(run_id), 0, 1)
    before = place.studio.changes.newest()
    place.studio.delete_run(run_id)
    assert place.studio.changes.newest() == before
    assert "rendered by v1" in place.studio.changes.act(run_id, "use")


def test_what_is_kept_is_what_renders_pairs_and_not_what_the_run_started_from(
    place: Place,
) -> None:
    first = trained(place)
    changes = place.studio.changes
    changes.act(first, "use")
    # As by default from the base, while v1 renders pairs.
    second = trained(place)
    change = changes.newest()
    assert (change["version"], change["kept"], change["kept_name"]) == ("v2", "v1", "v1")
    assert "rendered by v1" in changes.act(second, "keep")
    changes.act(second, "use")
    assert changes.newest()["kept"] == "v1"
    assert "rendered by v1" in changes.act(second, "keep")
    assert place.store.active("emoji-0123456789ab").version == "v1"
    # Another version that is made active meanwhile is named at once.
    shown = changes.shown()
    place.studio.activate("base")
    assert changes.shown() != shown and changes.newest()["kept"] == "base"
