"""Runs are deleted with their files; what their versions need stays."""

import json
from pathlib import Path

import pytest
from places import ENDLESS, Place, until

from align.contracts.run_samples import image_name
from annotate.errors import DeletedRun, NotDeletable
from storage.errors import UnknownRun

pytestmark = pytest.mark.slow


def trained(place: Place) -> str:
    """Train a run to its end, with samples, and return its id."""
    run_id = place.studio.fine_tune({"steps": 2})["run_id"]
    place.reach(run_id, "done")
    run_dir = place.store.run_dir(run_id)
    (run_dir / "samples").mkdir()
    (run_dir / image_name(1, 0)).write_bytes(b"an image")
    (run_dir / "checkpoint").mkdir()
    (run_dir / "checkpoint" / "state.pt").write_bytes(b"x" * 5000)
    (run_dir / "log.txt").write_text("loading\ntraining\n")
    return run_id


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_deleted_run_leaves_the_history_and_its_version_stays(place: Place) -> None:
    place.label(2)
    run_id = trained(place)
    run_dir = place.store.run_dir(run_id)
    assert place.studio.delete_run(run_id) >= 5000
    assert place.run_ids() == []
    assert {"adapter.safetensors", "config.json", "samples"} <= names(run_dir)
    assert not {"snapshot", "checkpoint", "log.txt", "metrics.jsonl"} & names(run_dir)
    versions = [version["version"] for version in place.studio.versions()]
    assert versions == ["base", "v1"]
    assert place.studio.activate("v1")[1]["active"]
    with pytest.raises(DeletedRun, match="was deleted"):
        place.studio.run_detail(run_id)
    with pytest.raises(DeletedRun, match="was deleted"):
        place.studio.delete_run(run_id)
    with pytest.raises(DeletedRun, match="was deleted"):
        place.studio.resume_run(run_id)


def test_of_a_run_without_a_version_nothing_stays_but_its_votes(place: Place) -> None:
    place.label(2)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    run_dir = place.store.run_dir(run_id)
    with pytest.raises(NotDeletable, match="Cancel it first"):
        place.studio.delete_run(run_id)
    place.studio.cancel_run(run_id)
    place.reach(run_id, "cancelled")
    place.studio.delete_run(run_id)
    assert not run_dir.exists()
    assert place.studio.stats()["decisive"] == 2
    # The next run has a number of its own.
    assert place.studio.fine_tune({"steps": 1})["run_id"] == "r0002"


def test_with_its_version_deleted_a_run_goes_as_a_whole(place: Place) -> None:
    place.label(2)
    run_id = trained(place)
    place.store.version_labels.delete(place.store.runs("emoji-0123456789ab")[0].base, "v1")
    place.studio.delete_run(run_id)
    assert not place.store.run_dir(run_id).exists()


def test_with_run_and_version_deleted_in_either_order_nothing_is_left(place: Place) -> None:
    place.label(2)
    run_id = place.studio.fine_tune({"steps": 2, "result": {"held_out": {}}})["run_id"]
    place.reach(run_id, "done")
    run_dir = place.store.run_dir(run_id)
    (run_dir / "samples").mkdir()
    (run_dir / image_name(1, 0)).write_bytes(b"x" * 3000)
    place.studio.delete_run(run_id)
    assert place.studio.registry.delete("v1") >= 3000
    assert not run_dir.exists()


def test_deleted_runs_stay_deleted_after_a_restart(open_place) -> None:
    place = open_place()
    place.label(2)
    run_id = trained(place)
    place.studio.delete_run(run_id)
    place.close()
    again = open_place()
    assert again.run_ids() == []
    with pytest.raises(UnknownRun):
        again.studio.delete_run("r0009")


def test_the_details_of_a_run_hold_its_settings_and_the_end_of_its_log(place: Place) -> None:
    place.label(2)
    run_id = trained(place)
    detail = place.studio.run_detail(run_id)
    assert detail["all_settings"] == {"steps": 2, "fail_at": 0}
    assert detail["log"] == ["loading", "training"]
    run_dir = place.store.run_dir(run_id)
    (run_dir / "log.txt").write_text("".join(f"line {n} {'x' * 80}\n" for n in range(9000)))
    lines = place.studio.run_detail(run_id)["log"]
    assert len(lines) == 60 and lines[-1].startswith("line 8999")
    # A damaged folder has neither, and hides no run.
    (run_dir / "config.json").write_text("{")
    (run_dir / "log.txt").unlink()
    damaged = place.studio.run_detail(run_id)
    assert (damaged["all_settings"], damaged["log"]) == ({}, [])


def test_an_older_run_is_resumed_after_a_newer_one_has_ended(place: Place) -> None:
    place.label(2)
    older = place.studio.fine_tune(ENDLESS)["run_id"]
    until(lambda: place.starts(older) == 1)
    place.studio.cancel_run(older)
    place.reach(older, "cancelled")
    newer = place.studio.fine_tune({"steps": 1})["run_id"]
    place.reach(newer, "done")
    place.studio.resume_run(older)
    place.reach(older, "running")
    assert json.dumps(place.run_ids()) == json.dumps([newer, older])
