"""An export gets its name once all of it is on the disk, and takes nobody's place but its own."""

import json
import os
from pathlib import Path

import duckdb
import pytest

from storage import DiskFull, Store
from storage.exports import export_folder as exporting
from storage.exports.export_errors import TargetTaken
from storage.exports.export_folder import MARKER, ExportFacts, export_folder, settle_unfinished

FACTS: ExportFacts = {"form": "csv", "created": "2026-01-01T00:00:00Z"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


def write(store: Store, target: Path, text: str = "one", name: str = "votes.csv") -> None:
    with export_folder(target, store._folder, FACTS) as work:
        (work / "images").mkdir()
        (work / name).write_text(text)


def left_beside(store: Store, target: Path) -> list[Path]:
    """What is left of an export besides itself."""
    return [*target.parent.glob(".*"), *store._folder.exports.glob(".*")]


def test_an_export_has_its_name_only_once_it_is_whole(store, target):
    with export_folder(target, store._folder, FACTS) as work:
        (work / "votes.csv").write_text("one")
        assert not target.exists()

    assert (target / "votes.csv").read_text() == "one"
    told = json.loads((target / MARKER).read_text())
    assert told["form"] == "csv" and told["files"] == {"votes.csv": 3}
    assert left_beside(store, target) == []


def test_an_error_leaves_no_export_and_nothing_beside_it(store, target):
    with pytest.raises(KeyError), export_folder(target, store._folder, FACTS) as work:
        (work / "votes.csv").write_text("half")
        raise KeyError

    assert not target.exists() and left_beside(store, target) == []


def test_an_error_leaves_the_export_of_before(store, target):
    write(store, target)
    with pytest.raises(KeyError), export_folder(target, store._folder, FACTS) as work:
        (work / "votes.csv").write_text("half")
        raise KeyError

    assert (target / "votes.csv").read_text() == "one"


def test_a_newer_export_takes_the_place_of_one_that_nobody_changed(store, target):
    write(store, target)
    write(store, target, "two", "other.csv")

    assert sorted(path.name for path in target.iterdir()) == [MARKER, "images", "other.csv"]
    assert left_beside(store, target) == []


def test_an_empty_folder_is_free(store, target):
    target.mkdir()
    write(store, target)
    assert (target / "votes.csv").exists()


@pytest.mark.parametrize("change", ["added", "edited", "removed marker", "foreign"])
def test_files_that_somebody_put_there_stay(store, target, change):
    write(store, target)
    if change == "added":
        (target / "images" / "mine.png").write_bytes(b"mine")
    elif change == "edited":
        (target / "votes.csv").write_text("mine, edited")
    else:
        (target / MARKER).unlink()
    if change == "foreign":
        (target / MARKER).write_text("[]")
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}

    with pytest.raises(TargetTaken, match="ame a new folder"):
        write(store, target, "two")
    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before


def test_files_that_come_meanwhile_stay(store, target):
    with pytest.raises(TargetTaken), export_folder(target, store._folder, FACTS) as work:
        (work / "votes.csv").write_text("one")
        target.mkdir()
        (target / "mine.txt").write_text("mine")

    assert (target / "mine.txt").read_text() == "mine"
    assert left_beside(store, target) == []


def test_no_export_replaces_what_belongs_to_the_studio(store, home, tmp_path):
    for place in (home, home.parent, home / "images", home / "images" / "new", home / "exports"):
        with pytest.raises(TargetTaken):
            write(store, place)

    (tmp_path / "link").symlink_to(home)
    with pytest.raises(TargetTaken, match="is in the studio folder"):
        write(store, tmp_path / "link" / "images" / "new")
    # Beside the studio, however that is written.
    write(store, home / ".." / "beside")
    assert (tmp_path / "beside" / "votes.csv").exists()

    write(store, home / "exports" / "votes")
    assert (home / "exports" / "votes" / "votes.csv").exists()


def test_a_file_a_link_and_a_place_that_is_nowhere_are_refused(store, tmp_path, target):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path)
    for place in (tmp_path / "file", tmp_path / "link", tmp_path / "nowhere" / "out"):
        with pytest.raises(TargetTaken):
            write(store, place)


def test_a_full_disk_is_told_in_a_sentence(store, target):
    with pytest.raises(DiskFull, match=r"out could not be written: No space left"):
        with export_folder(target, store._folder, FACTS):
            raise OSError(28, os.strerror(28))
    assert not target.exists() and left_beside(store, target) == []


def test_a_full_disk_is_told_in_plain_words_where_duckdb_wrote(store, target):
    told = 'IO Error: Async write failed: {"exception_type":"IO","errno":"28"}'
    with pytest.raises(DiskFull, match=r"out could not be written: No space left on device\. "):
        with export_folder(target, store._folder, FACTS):
            raise duckdb.IOException(told)


class Killed(BaseException):
    """The end of the process, after which nothing is cleaned up."""


POINTS = ("note written", "half written", "before sync", "moved away", "renamed", "scratch gone")


@pytest.mark.parametrize("with_earlier", [False, True])
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_the_target_as_before_or_as_after(
    store, target, monkeypatch, point, with_earlier
):
    if with_earlier:
        write(store, target, "one")
    # What a kill leaves: none of what would run afterwards does.
    monkeypatch.setattr(exporting, "settle", lambda scratch: None)
    replace, renames = os.replace, []

    def renaming(source, target):
        renames.append(source)
        if point == "moved away" and Path(source).name == "new":
            raise Killed
        replace(source, target)
        if point in ("renamed", "scratch gone") and Path(source).name == "new":
            raise Killed

    monkeypatch.setattr(os, "replace", renaming)
    if point == "before sync":
        monkeypatch.setattr(exporting, "sync_tree", kill)
    with pytest.raises(Killed), export_folder(target, store._folder, FACTS) as work:
        if point == "note written":
            work.rmdir()
            work.parent.rmdir()
            raise Killed
        (work / "votes.csv").write_text("two")
        if point == "half written":
            raise Killed
    monkeypatch.undo()

    settle_unfinished(store._folder.exports)

    after = point in ("renamed", "scratch gone")
    text = "two" if after else "one" if with_earlier else None
    assert (target / "votes.csv").read_text() == text if text else not target.exists()
    assert left_beside(store, target) == []


def kill(*_: object) -> None:
    raise Killed


def test_a_note_that_was_cut_off_is_cleared_and_one_of_an_absent_disk_is_kept(store, tmp_path):
    exports = store._folder.exports
    exports.mkdir(exist_ok=True)
    (exports / ".writing-1.json").write_text('{"scratch": "')
    gone = {"scratch": str(tmp_path / "disk" / f".{'a' * 16}"), "target": str(tmp_path / "disk/o")}
    (exports / ".writing-2.json").write_text(json.dumps(gone))
    mine = tmp_path / "mine"
    mine.mkdir()
    other = {"scratch": str(mine), "target": str(tmp_path / "out")}
    (exports / ".writing-3.json").write_text(json.dumps(other))

    settle_unfinished(exports)

    assert not (exports / ".writing-1.json").exists()
    assert (exports / ".writing-2.json").exists()
    assert mine.exists()
