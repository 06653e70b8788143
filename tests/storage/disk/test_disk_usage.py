"""Clean-up frees what it says and nothing that anything needs."""

import os
import random
import shutil
from datetime import timedelta

import pytest
from storage_making import BASE, make_image, make_pair, make_run, make_version

from storage import Store, UnknownKind
from storage.acts import NewVote

KINDS = ("checkpoints", "caches", "images", "deleted")


def put(path, size: int = 100, age_days: float = 0.0, clock=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    if clock is not None:
        moment = (clock.now - timedelta(days=age_days)).timestamp()
        os.utime(path, (moment, moment))
    return path


def taken(store: Store) -> dict[str, int]:
    return {each.kind: each.bytes for each in store.disk.usage()}


def test_a_image_that_snapshots_and_runs_link_to_counts_once(store):
    store.vote(NewVote.parse(make_pair(store).pair_id, "left", "ann", "k1"))
    before = taken(store)["images"]
    run = store.run_dir(make_run(store))
    shutil.copytree(store.write_snapshot(BASE, 0).path, run / "snapshot", copy_function=os.link)

    assert taken(store)["images"] == before == len(b"image 0") + len(b"image 1")
    assert taken(store)["snapshots"] > 0


def test_everything_in_the_folder_is_counted_under_one_kind(store, home):
    version = make_version(store)
    run = version.adapter.parent
    put(version.adapter, 1)
    put(run / "checkpoint" / "state.pt", 10)
    put(run / "cache" / "a", 100)
    put(home / "cache" / "b", 1000)
    put(run / "metrics.jsonl", 10_000)
    put(home / "exports" / "x.safetensors", 100_000)

    sizes = taken(store)

    assert [sizes[k] for k in ("versions", "checkpoints", "caches")] == [1, 10, 1100]
    assert (sizes["runs"], sizes["exports"]) == (10_000, 100_000)
    found = [file.stat() for file in home.rglob("*") if file.is_file()]
    assert sum(sizes.values()) == sum({each.st_ino: each.st_size for each in found}.values())


def test_a_link_out_of_the_folder_is_neither_followed_nor_removed(store, home, tmp_path):
    treasure = put(tmp_path / "elsewhere" / "treasure", 5000)
    try:
        (home / "cache").symlink_to(treasure.parent, target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make links")

    assert taken(store)["caches"] == 0
    store.disk.remove("caches")
    assert treasure.exists()


@pytest.mark.slow
def test_only_checkpoints_of_done_runs_go(store):
    runs = {
        state: make_run(store)
        for state in ("done", "running", "queued", "failed", "cancelled", "interrupted")
    }
    for state, run_id in runs.items():
        store.set_run_state(run_id, state)
        put(store.run_dir(run_id) / "checkpoint" / "state.pt")

    promised = store.disk.removable("checkpoints")
    freed = store.disk.remove("checkpoints")

    assert (promised.bytes, promised.names) == (100, ("runs/r0001/checkpoint/state.pt",))
    assert (freed.bytes, freed.files) == (100, 1)
    left = {s for s, r in runs.items() if (store.run_dir(r) / "checkpoint" / "state.pt").exists()}
    assert left == set(runs) - {"done"}


@pytest.mark.parametrize("state", ["queued", "running"])
def test_caches_stay_while_a_run_goes_on(store, home, state):
    run_id = make_run(store)
    files = [put(home / "cache" / "ab" / "x"), put(store.run_dir(run_id) / "cache" / "y")]
    store.set_run_state(run_id, state)

    assert store.disk.removable("caches").bytes == store.disk.remove("caches").bytes == 0
    assert all(file.exists() for file in files)

    store.set_run_state(run_id, "done")
    assert store.disk.remove("caches").bytes == 200
    assert not any(file.exists() for file in files)
    assert not list(home.glob(".cleanup-*"))


def test_an_image_goes_when_nothing_names_it_and_can_be_rendered_again(store, clock):
    pair, orphan = make_pair(store), make_image(store, 99)
    clock.move(2 * 86400)
    file = store.image_path(orphan.sha256)

    assert store.disk.removable("images").files == 1
    assert store.disk.remove("images").bytes == len(b"image 99")

    assert not file.exists() and store.image(orphan.image_id) is None
    assert all(store.image_path(store.image(i).sha256).exists() for i in (pair.left, pair.right))
    again = make_image(store, 99)
    assert store.image(again.image_id) and store.image_path(again.sha256).exists()


def test_a_image_of_a_blind_test_stays(store, clock):
    store.version_labels.add_import(BASE, store.version_labels.new_import(), {})
    trial = store.blind_tests.create(BASE, "base", "v1", ["a cat"])
    before, after = make_image(store, 50), make_image(store, 51)
    sides = (before.image_id, after.image_id)
    store.blind_tests.add_pair(trial, 0, "a cat", "overall", sides, True)
    clock.move(2 * 86400)

    assert store.disk.remove("images").files == 0
    assert store.image_path(after.sha256).exists()


def test_a_young_image_stays(store, clock):
    orphan = make_image(store, 99)
    clock.move(3600)
    assert store.disk.remove("images").files == 0
    assert store.image_path(orphan.sha256).exists()


def test_a_file_that_two_recipes_share_stays_while_one_is_needed(store, clock):
    pair = make_pair(store)
    shared = store.image(pair.left)
    twin = type(shared)("f" * 16, shared.sha256, 128, 128, {"seed": 7}, "another key", "base")
    store.add_images([twin])
    clock.move(2 * 86400)

    store.disk.remove("images")

    assert store.image("f" * 16) is None
    assert store.image_path(shared.sha256).exists()


@pytest.mark.parametrize("column", ["image VARCHAR", "image JSON", "image VARCHAR[]"])
def test_a_image_that_a_later_table_names_stays(store, clock, column):
    kept = make_image(store, 99)
    value = {
        "image VARCHAR": kept.image_id,
        "image JSON": f'["{kept.sha256}"]',
        "image VARCHAR[]": [kept.image_id],
    }[column]
    store._database.write(lambda cursor: cursor.execute(f"CREATE TABLE later ({column})"))
    store._database.write(lambda cursor: cursor.execute("INSERT INTO later VALUES (?)", [value]))
    clock.move(2 * 86400)

    assert store.disk.remove("images").files == 0
    assert store.image_path(kept.sha256).exists()


def test_old_files_without_a_row_go_and_strangers_stay(store, home, clock):
    lost = put(home / "images" / "ab" / f"{'ab' * 32}.png", 10, 2, clock)
    fresh = put(home / "images" / "cd" / f"{'cd' * 32}.png", 10, 0, clock)
    stranger = put(home / "images" / "holiday.png", 10, 2, clock)

    store.disk.remove("images")

    assert not lost.exists()
    assert fresh.exists() and stranger.exists()


def test_what_is_left_of_deleted_versions_and_failed_imports_goes(store, clock):
    kept, gone = make_version(store), make_version(store)
    put(kept.adapter)
    store.version_labels.delete(BASE, "v2")
    put(gone.adapter)
    stray = put(store.version_labels.new_import(), 10, 2, clock)
    imported = put(store.version_labels.new_import(), 10, 2, clock)
    store.version_labels.add_import(BASE, imported, {})

    assert store.disk.remove("deleted").bytes == 110

    assert kept.adapter.exists() and imported.exists()
    assert not gone.adapter.exists() and not stray.exists()


def test_what_a_killed_app_left_of_an_export_goes_and_an_export_under_way_stays(store, clock):
    with store.version_labels.writing_export(BASE, "a.safetensors") as killed:
        left = put(killed.parent / "half", 10)
        moment = (clock.now - timedelta(days=2)).timestamp()
        os.utime(left.parent, (moment, moment))
        with store.version_labels.writing_export(BASE, "b.safetensors") as going:
            put(going, 10)
            store.disk.remove("deleted")
            assert going.exists() and not left.exists()
        assert (store.version_labels.exports(BASE) / "b.safetensors").exists()
        put(killed, 10)


def test_an_unknown_kind_is_a_sentence(store):
    for ask in (store.disk.removable, store.disk.remove):
        with pytest.raises(UnknownKind, match="images"):
            ask("votes")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happened_before_a_clean_up_removes_nothing_that_is_needed(store, clock, seed):
    """Random studios; what pairs, votes, snapshots, runs and versions need is listed beforehand."""
    chance = random.Random(seed)
    for number in range(8):
        pair = make_pair(store, seed=number)
        make_image(store, 1000 + number)
        if number == 0 or chance.random() < 0.6:
            store.vote(NewVote.parse(pair.pair_id, "left", "ann", f"k{number}"))
        if number and chance.random() < 0.3:
            store.undo("ann")
        if not store.counts(BASE).decisive:
            store.vote(
                NewVote.parse(
                    make_pair(store, seed=500 + number).pair_id, "left", "bob", f"b{number}"
                )
            )
        parents = [version.version for version in store.versions(BASE)]
        run_id = make_run(store, chance.choice(parents))
        run = store.run_dir(run_id)
        for name in ("checkpoint/state.pt", "start.safetensors", "adapter.safetensors", "log.txt"):
            put(run / name)
        state = chance.choice(["done", "done", "failed", "interrupted", "queued", "running"])
        if state == "done":
            store.add_version(
                BASE, store.run(run_id).parent, run_id, run / "adapter.safetensors", {}
            )
        store.set_run_state(run_id, state)
        clock.move(chance.choice([60, 7200, 90000]))
    store.activate(BASE, chance.choice(store.versions(BASE)).version)
    needed = needed_files(store)
    assert all(file.exists() for file in needed)

    for kind in chance.sample(KINDS, len(KINDS)):
        store.disk.remove(kind)

    assert [file for file in needed if not file.exists()] == []
    assert all(store.disk.removable(kind).files == 0 for kind in KINDS)


def needed_files(store: Store) -> set:
    """What pairs, snapshots, versions and unfinished runs need, found by other means."""
    rows = store._database.read("SELECT left_image, right_image FROM pairs")
    needed = {store.image_path(store.image(i).sha256) for row in rows for i in row}
    needed |= set((store.images_dir.parent / "snapshots").rglob("*.*"))
    needed |= {version.adapter for version in store.versions(BASE) if version.adapter}
    for run in store.runs(BASE):
        folder = store.run_dir(run.run_id)
        needed |= {folder / "log.txt"}
        if run.state != "done":
            needed |= {folder / "checkpoint" / "state.pt", folder / "start.safetensors"}
    return needed
