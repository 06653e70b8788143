"""Versions as a library: what is told of them, and naming, exporting, importing and deleting."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from annotate_doubles import Trouble
from places import ENDLESS, Place, until

from annotate.background import BackgroundJob
from annotate.errors import InvalidRequest, LastGoodVersion, VersionFileMissing
from storage.errors import InvalidLabel, UnknownVersion, VersionNeeded

pytestmark = pytest.mark.slow

HELPED = {"held_out": {"pairs": 12, "accuracy": 0.9, "helped": True}}


def tuned(place: Place, times: int = 1) -> None:
    """Make some versions."""
    place.label(2)
    for _ in range(times):
        place.reach(place.studio.fine_tune({})["run_id"], "done")


def good(place: Place, helped: bool) -> str:
    """Make a version whose held-out pairs say whether it helped."""
    file = place.store.version_labels.new_import()
    file.write_bytes(file.name.encode())
    summary = HELPED if helped else {}
    base = place.store.ensure_base("emoji-0123456789ab").base
    return place.store.version_labels.add_import(base, file, summary).version


def test_a_version_tells_what_it_learned_from_and_what_was_undone_since(place: Place) -> None:
    place.label(2)
    place.label(1, "tie")
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    place.studio.undo("ann")
    base, told = place.studio.registry.lineage()
    assert (base["version"], base["counts"], base["undone"]) == ("base", {}, 0)
    assert (told["counts"]["preference"], told["counts"]["tie"], told["undone"]) == (2, 1, 1)
    assert (told["snapshot"], told["parent"], told["active"]) == ("s0001", "base", False)
    assert place.studio.registry.detail("v1")["metrics"]


def test_names_and_notes_are_told_to_programs(place: Place) -> None:
    tuned(place)
    place.studio.registry.rename("v1", "warm")
    place.studio.registry.note("v1", "likes red")
    version = place.studio.versions()[1]
    assert (version["name"], version["note"]) == ("warm", "likes red")
    for wrong in ("a\x00", "v7", 7):
        with pytest.raises((InvalidLabel, InvalidRequest)):
            place.studio.registry.rename("v1", wrong)


def test_an_export_lies_in_the_studio_and_is_written_once(place: Place) -> None:
    tuned(place)
    library = place.studio.registry
    first = library.export("v1", "kohya")
    assert library.export("v1", "kohya") == first
    assert first["saved"] == "exports/emoji-0123456789ab/emoji-v1-kohya.safetensors"
    assert library.export_file(first["url"].removeprefix("export/")) is not None
    folder = library.export("v1", "merged")
    assert (folder["url"], folder["bytes"]) == (None, len(b"exported"))
    # A run folder says how the adapter was made, the file alone does not.
    assert place.converter.exported == [
        (place.store.run_dir("r0001"), "kohya"),
        (place.store.run_dir("r0001"), "merged"),
    ]


@pytest.mark.parametrize("name", ["../palate.duckdb", "x", ".a.safetensors", "a/b.safetensors"])
def test_only_exports_are_served(place: Place, name: str) -> None:
    assert place.studio.registry.export_file(name) is None


def test_an_export_that_fails_or_is_stopped_leaves_nothing(place: Place) -> None:
    tuned(place)
    library = place.studio.registry
    place.converter.trouble = "The disk is full."
    with pytest.raises(Trouble, match="disk is full"):
        library.export("v1", "kohya")
    place.converter.trouble = None
    place.converter.gate.clear()
    job = BackgroundJob(lambda: library.export("v1", "kohya"))
    assert next(job.seconds()) >= 0
    library.stop()
    with pytest.raises(Trouble, match="stopped"):
        job.result()
    assert list(place.store.version_labels.exports("emoji-0123456789ab").iterdir()) == []
    for wrong in (("v1", "onnx"), ("base", "kohya"), ("v9", "kohya")):
        with pytest.raises((InvalidRequest, UnknownVersion)):
            library.export(*wrong)


def test_an_imported_file_is_a_version_like_any_other(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "theirs.safetensors"
    file.write_bytes(b"weights")
    library = place.studio.registry
    assert library.adopt(f' "{file}" ') == "v1"
    file.unlink()
    told = library.detail("v1")
    assert (told["run_id"], told["parent"], told["imported"]["file"]) == (None, "base", file.name)
    assert place.studio.compare("a cat", 1, "base", "v1")["after_url"]
    library.export("v1", "kohya")
    assert place.converter.exported[-1][0].suffix == ".safetensors"
    place.studio.activate("v1")
    assert place.studio.versions()[1]["active"]


def test_an_import_that_is_refused_leaves_nothing(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "theirs.safetensors"
    file.write_bytes(b"weights")
    place.studio.registry.adopt(str(file))
    with pytest.raises(InvalidRequest, match="is v1 already"):
        place.studio.registry.adopt(str(file))
    place.converter.trouble = "theirs was made for another model."
    for path in (str(file), "", "  "):
        with pytest.raises((Trouble, InvalidRequest)):
            place.studio.registry.adopt(path)
    assert len(place.studio.versions()) == 2
    assert len(list((place.store.images_dir.parent / "imports").iterdir())) == 1


def test_the_only_version_known_to_help_is_kept(place: Place) -> None:
    first, other = good(place, True), good(place, False)
    assert [told["last_good"] for told in place.studio.registry.lineage()] == [False, True, False]
    with pytest.raises(LastGoodVersion, match=first):
        place.studio.registry.delete(first)
    place.studio.registry.delete(other)
    good(place, True)
    place.studio.registry.delete(first)


def test_a_version_that_a_run_starts_from_is_kept_until_the_run_ends(place: Place) -> None:
    tuned(place, times=2)
    run_id = place.studio.fine_tune({**ENDLESS, "init_from": "v1"})["run_id"]
    with pytest.raises(VersionNeeded, match=run_id):
        place.studio.registry.delete("v1")
    place.studio.cancel_run(run_id)
    place.reach(run_id, "cancelled")
    place.studio.registry.delete("v1")
    with pytest.raises(UnknownVersion, match="deleted"):
        place.studio.fine_tune({"init_from": "v1"})


def test_a_deleted_version_is_told_of_and_offered_no_more(place: Place) -> None:
    tuned(place)
    good(place, True)
    place.studio.registry.delete("v1")
    assert [version["version"] for version in place.studio.versions()] == ["base", "v2"]
    assert place.studio.run_status("r0001")["version"] == "v1"
    told = place.studio.registry.detail("v1")
    assert told["deleted"] and told["counts"]["preference"] == 2
    for ask in (place.studio.activate, lambda v: place.studio.compare("a cat", 1, "base", v)):
        with pytest.raises(UnknownVersion, match="deleted"):
            ask("v1")


def test_a_file_that_somebody_took_away_is_named_and_can_be_deleted(place: Place) -> None:
    tuned(place)
    shutil.rmtree(place.store.run_dir("r0001"))
    told = place.studio.registry.detail("v1")
    assert told["missing"] and told["metrics"] == []
    for ask in (place.studio.activate, lambda v: place.studio.registry.export(v, "kohya")):
        with pytest.raises(VersionFileMissing, match="Put it back"):
            ask("v1")
    place.studio.registry.delete("v1")


def test_a_clean_up_leaves_a_studio_that_labels_trains_and_compares(place: Place) -> None:
    tuned(place)
    place.studio.compare("a cat", 1, "base", "v1")
    for kind in ("checkpoints", "caches", "images", "deleted"):
        place.studio.disk.remove(kind)
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    before = place.studio.compare("a cat", 1, "base", "v1")["before_url"]
    image = before.removeprefix("img/").removesuffix(".png")
    file: Any = place.studio.image_file(image)
    until(file.is_file)


def test_a_job_hands_on_its_error() -> None:
    def fail() -> None:
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        BackgroundJob(fail).result()
    assert BackgroundJob(threading.active_count).result() > 0
