"""Backups of a whole studio: what they hold, what a second one copies, and how they are refused."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from empty_studio import empty_studio
from source_making import new_source, read_cells, table
from storage_making import BASE, make_pair
from whole_studio import every_row, files_below, fill

from storage import NewVote, Store
from storage.errors import (
    BrokenStudio,
    CopyingStopped,
    DamagedBackup,
    DiskFull,
    FolderTaken,
    InvalidTarget,
    StudioInUse,
)
from storage.studio_backup import backup_target, moment
from storage.studio_backup.backup import Backup, BackupReport
from storage.studio_backup.manifest import file_of, manifests_in, read_manifest, write_manifest
from storage.studio_backup.moment import from_folder, from_open
from storage.studio_backup.restore import Restore, check_backup
from storage.studio_backup.tell import sentences_of_backup, sentences_of_restore


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store(empty_studio(tmp_path / "studio")) as store:
        fill(store)
    return tmp_path / "studio"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def back_up(home: Path, target: Path, **options: object) -> BackupReport:
    return Backup(home, target, from_folder(home), **options).write()  # type: ignore[arg-type]


def stored(target: Path) -> list[Path]:
    return sorted(path for path in (target / "files").rglob("*") if path.is_file())


pytestmark = pytest.mark.slow


def test_a_restored_studio_has_every_row_and_every_file(home, target, tmp_path):
    done = back_up(home, target)
    restored = Restore(target, tmp_path / "again").write()
    assert every_row(tmp_path / "again") == every_row(home)
    wanted = {
        path: digest for path, digest in files_below(home).items() if "checkpoint" not in path
    }
    kept = {path for path in wanted if not path.startswith("snapshots/")}
    assert files_below(tmp_path / "again") == {path: wanted[path] for path in kept}
    with Store(tmp_path / "again") as store:
        assert store.counts(BASE).votes == 4
        assert not store.opening.recovered
    assert done.votes == 4 and restored.files == done.files
    assert "4 votes" in sentences_of_backup(done)[0]
    assert str(tmp_path / "again") in sentences_of_restore(restored)[0]


def test_snapshots_and_checkpoints_come_along_if_asked_for(home, target, tmp_path):
    back_up(home, target, include=["snapshots", "checkpoints"])
    Restore(target, tmp_path / "again").write()
    assert files_below(tmp_path / "again") == files_below(home)


def test_a_second_backup_copies_only_what_is_new(home, target):
    back_up(home, target)
    before = {path: path.stat().st_ino for path in stored(target)}
    with Store(home) as store:
        pair = make_pair(store, 50)
        store.vote(NewVote.parse(pair.pair_id, "left", "bob", "later"))
    done = back_up(home, target)
    # The database and two images, of which the first is stored once under both names.
    assert done.new_files == 3
    assert done.votes == 5
    assert {path: path.stat().st_ino for path in before if path.exists()} == before


def test_an_unchanged_studio_costs_nothing_but_a_list(home, target):
    back_up(home, target)
    os.utime(home / "runs/r0001/adapter.safetensors", (1e9, 1e9))
    back_up(home, target)
    assert back_up(home, target).new_files == 0
    assert len(manifests_in(target)) == 3


def test_old_backups_go_with_the_files_that_only_they_name(home, target, monkeypatch):
    monkeypatch.setattr(backup_target, "KEPT", 2)
    for number in range(4):
        (home / "notes.txt").write_text(f"note {number}")
        back_up(home, target)
    assert len(manifests_in(target)) == 2
    notes = [path for path in stored(target) if path.suffix == ".txt"]
    assert sorted(path.read_text() for path in notes) == ["note 2", "note 3"]


def test_a_backup_is_made_in_the_app_while_votes_arrive(home, target, tmp_path):
    with Store(home) as store:
        pairs = [make_pair(store, 100 + number) for number in range(60)]
        voting = threading.Thread(
            target=lambda: [
                store.vote(NewVote.parse(pair.pair_id, "left", "eve", f"eve-{n}"))
                for n, pair in enumerate(pairs)
            ]
        )
        voting.start()
        Backup(home, target, from_open(store.opening.database)).write()
        voting.join()
    Restore(target, tmp_path / "again").write()
    with Store(tmp_path / "again") as store:
        keys = store.opening.database.read("SELECT key FROM votes WHERE annotator = 'eve'")
    # Of one moment: the votes up to some one, and none after it.
    numbers = sorted(int(key.removeprefix("eve-")) for (key,) in keys)
    assert numbers == list(range(len(numbers)))


def test_the_app_that_holds_a_studio_is_asked_for_a_copy(home, target):
    with Store(home) as store:
        store.opening.keep_copies()
        store.vote(NewVote.parse(make_pair(store, 70).pair_id, "left", "bob", "newest"))
        done = back_up(home, target)
    assert done.votes == 5
    assert done.note == ""


def test_an_app_that_does_not_answer_leaves_its_newest_copy(home, target):
    with Store(home) as store:
        store.opening.keep_copies()
    with Store(home) as store:
        store.vote(NewVote.parse(make_pair(store, 70).pair_id, "left", "bob", "newest"))
        done = Backup(home, target, from_folder(home, answer_s=0.3)).write()
        assert not (home / "copies/asked-for").exists()
    assert done.votes == 4
    assert "gave no copy" in done.note and "4 votes" in done.note


def test_images_share_their_bytes_on_one_disk_and_nothing_else_does(home, target):
    done = back_up(home, target)
    assert done.linked > 0
    images = {path.stat().st_ino for path in (home / "images").rglob("*.png")}
    shared = [path for path in stored(target) if path.stat().st_nlink > 1]
    assert {path.stat().st_ino for path in shared} <= images
    adapter = home / "runs/r0001/adapter.safetensors"
    with adapter.open("r+b") as file:
        file.write(b"changed")
    assert not check_backup(target)[done.name]


def test_damaged_files_are_named_with_what_can_be_restored(home, target, tmp_path):
    first = back_up(home, target)
    (home / "notes.txt").write_text("mine")
    back_up(home, target)
    notes = next(path for path in stored(target) if path.suffix == ".txt")
    notes.write_text("your")
    with pytest.raises(DamagedBackup, match="1 file of the backup") as refused:
        Restore(target, tmp_path / "again").write()
    assert "notes.txt" in str(refused.value)
    assert "--skip-damaged" in str(refused.value) and first.name in str(refused.value)
    assert not (tmp_path / "again").exists()

    assert Restore(target, tmp_path / "again", skip_damaged=True).write().damaged == ("notes.txt",)
    assert Restore(target, tmp_path / "older", name=first.name).write().damaged == ()


def test_a_damaged_list_is_told_and_the_one_before_is_offered(home, target, tmp_path):
    first = back_up(home, target)
    back_up(home, target)
    newest = manifests_in(target)[0]
    newest.write_bytes(newest.read_bytes().replace(b"adapter", b"Adapter"))
    with pytest.raises(DamagedBackup, match=first.name):
        Restore(target, tmp_path / "again").write()
    assert check_backup(target) == {newest.stem: [f"backups/{newest.name}"], first.name: []}


def test_what_is_damaged_in_a_backup_is_stored_again_by_a_check(home, target):
    back_up(home, target)
    for path in stored(target):
        if path.suffix == ".safetensors":
            path.write_bytes(b"x" * path.stat().st_size)
    done = back_up(home, target, check=True)
    assert done.new_files == 1
    assert not any(check_backup(target).values())


def test_a_studio_is_restored_over_another_one_only_by_putting_it_aside(home, target, tmp_path):
    back_up(home, target)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(FolderTaken, match="--replace"):
        Restore(target, other).write()
    assert files_below(other) == {"mine.txt": files_below(other)["mine.txt"]}
    done = Restore(target, other, replace=True).write()
    assert done.aside is not None
    assert (done.aside / "mine.txt").read_text() == "mine"
    assert every_row(other) == every_row(home)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_studio_that_an_app_holds_is_not_replaced(home, target):
    back_up(home, target)
    with Store(home), pytest.raises(StudioInUse):
        Restore(target, home, replace=True).write()


def test_a_stopped_backup_and_a_stopped_restore_leave_nothing(home, target, tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(CopyingStopped):
        back_up(home, target, cancelled=stop)
    assert not stored(target) and not manifests_in(target)
    back_up(home, target)
    with pytest.raises(CopyingStopped):
        Restore(target, tmp_path / "again", cancelled=stop).write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "studio"]


def test_a_folder_with_something_else_in_it_is_no_place_for_a_backup(home, tmp_path):
    with pytest.raises(InvalidTarget, match="lies in the studio itself"):
        back_up(home, home / "backup")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/me.jpg").write_bytes(b"me")
    with pytest.raises(InvalidTarget, match=r"me\.jpg"):
        back_up(home, tmp_path / "photos")
    with pytest.raises(InvalidTarget, match="no studio"):
        back_up(tmp_path / "photos", tmp_path / "new")


def test_a_folder_that_is_a_link_to_another_disk_is_followed(home, target, tmp_path):
    (home / "images").rename(tmp_path / "large-disk")
    (home / "images").symlink_to(tmp_path / "large-disk", target_is_directory=True)
    assert back_up(home, target).missing == 0
    Restore(target, tmp_path / "again").write()
    images = {path for path in files_below(tmp_path / "again") if path.startswith("images/")}
    assert images and not (tmp_path / "again/images").is_symlink()


def test_files_of_sources_outside_of_the_studio_are_named(home, target, tmp_path):
    file = table(tmp_path / "pickapic", "votes.parquet")
    with Store(home) as store:
        store.sources.bring_in(new_source([file], read_cells(3, 4)))
    report = back_up(home, target)
    assert report.outside == (file,)
    (told,) = [each for each in sentences_of_backup(report) if "outside of the studio" in each]
    assert told.startswith(
        f"1 file of a source lies outside of the studio and stayed there: {file}"
    )


def test_a_full_target_is_not_taken_for_a_damaged_studio(home, target, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(moment, "copy_with_logs", full)
    with pytest.raises(DiskFull, match=f"backup to {target} failed: No space left .* Free some"):
        back_up(home, target)


def test_a_damaged_database_is_not_backed_up(home, target):
    database = home / "palate.duckdb"
    database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])
    with pytest.raises(BrokenStudio, match="is damaged"):
        back_up(home, target)
    assert not stored(target)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "C:\\x", "a\\..\\..\\x", "", "\0"])
def test_a_list_that_names_a_place_outside_of_the_studio_is_refused(path):
    with pytest.raises(ValueError):
        file_of(path, "0" * 64, 1, 1)


def test_a_list_is_read_as_it_was_written(home, target, tmp_path):
    back_up(home, target)
    manifest = read_manifest(manifests_in(target)[0])
    write_manifest(tmp_path / f"{manifest.name}.jsonl", manifest)
    assert read_manifest(tmp_path / f"{manifest.name}.jsonl") == manifest


def test_the_commands_back_up_and_restore(home, target, tmp_path):
    def palate(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "storage", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert "4 votes as of" in palate("backup", home, target).stdout
    assert ": sound" in palate("restore", target, "--list").stdout
    assert "is the studio of" in palate("restore", target, tmp_path / "again").stdout
    refused = palate("restore", target, tmp_path / "again")
    assert refused.returncode == 1 and "--replace" in refused.stderr
    assert every_row(tmp_path / "again") == every_row(home)
