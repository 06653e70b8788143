import pytest
from storage_making import BASE, make_pairs, make_run, make_version

from storage import InvalidLabel, Store, UnknownVersion, VersionNeeded
from storage.acts import NewVote

pytestmark = pytest.mark.slow


def with_file(store: Store, parent: str = "base"):
    version = make_version(store, parent)
    store.set_run_state(version.run_id, "done")
    version.adapter.parent.mkdir(parents=True, exist_ok=True)
    version.adapter.write_bytes(b"x" * 1000)
    return version


def test_the_newest_name_and_note_count_and_survive_closing(home, store):
    make_version(store)
    for name in ("cats", " warm colours "):
        store.version_labels.rename(BASE, "v1", name)
    store.version_labels.note(BASE, "v1", "first\r\nline two")
    store.close()

    with Store(home) as reopened:
        version = reopened.version(BASE, "v1")
        assert (version.name, version.note) == ("warm colours", "first\nline two")
        assert reopened.version_labels.rename(BASE, "v1", "").name == ""


def test_a_name_is_unique_whatever_its_case(store):
    make_version(store)
    make_version(store)
    store.version_labels.rename(BASE, "v1", "Cats")

    with pytest.raises(InvalidLabel, match="v1 is called"):
        store.version_labels.rename(BASE, "v2", "cats")
    assert store.version_labels.rename(BASE, "v1", "cats").name == "cats"
    store.version_labels.delete(BASE, "v1")
    assert store.version_labels.rename(BASE, "v2", "Cats").name == "Cats"


@pytest.mark.parametrize("name", ["a\x00b", "two\nlines", "x" * 61, "v2", "BASE", "\ud800"])
def test_a_name_that_would_mislead_is_refused(store, name):
    make_version(store)
    with pytest.raises(InvalidLabel):
        store.version_labels.rename(BASE, "v1", name)
    assert store.version(BASE, "v1").name == ""


def test_a_note_has_lines_but_no_control_characters_and_an_end(store):
    make_version(store)
    for text in ("a\x1b[31m", "x" * 2001):
        with pytest.raises(InvalidLabel):
            store.version_labels.note(BASE, "v1", text)


def test_a_version_knows_how_many_of_its_votes_were_undone_since(store):
    for number, pair in enumerate(make_pairs(store, 3)):
        store.vote(NewVote.parse(pair.pair_id, "left" if number else "tie", "ann", f"k{number}"))
    run_id = make_run(store)
    learned = store.version_labels.trained_on(BASE)[run_id]
    assert (learned.counts["preference"], learned.counts["tie"], learned.undone) == (2, 1, 0)

    store.undo("ann")
    store.vote(NewVote.parse(make_pairs(store, 4)[-1].pair_id, "left", "ann", "later"))
    store.undo("ann")

    assert store.version_labels.trained_on(BASE)[run_id].undone == 1


def test_a_deleted_version_loses_its_files_and_keeps_its_row(store):
    gone = with_file(store)
    for leftover in ("checkpoint", "cache"):
        (gone.adapter.parent / leftover).mkdir()
        (gone.adapter.parent / leftover / "state").write_bytes(b"y" * 100)

    assert store.version_labels.delete(BASE, "v1") == 1200

    assert [v.version for v in store.versions(BASE)] == ["base"]
    kept = store.version_labels.versions(BASE)[1]
    assert (kept.version, kept.run_id, kept.deleted is not None) == ("v1", "r0001", True)
    assert not gone.adapter.exists()
    assert make_version(store).version == "v2"


def test_a_deleted_version_is_refused_everywhere(store):
    make_version(store)
    run_id = make_run(store)
    store.version_labels.delete(BASE, "v1")
    for ask in (
        lambda: store.version(BASE, "v1"),
        lambda: store.activate(BASE, "v1"),
        lambda: store.create_run("s0001", BASE, "v1", {}, "click"),
        lambda: store.version_labels.rename(BASE, "v1", "cats"),
        lambda: store.version_labels.delete(BASE, "v1"),
    ):
        with pytest.raises(UnknownVersion, match="deleted"):
            ask()
    # A run that was resumed may end after its parent went: it has a copy of it.
    assert store.add_version(BASE, "v1", run_id, store.run_dir(run_id), {}).parent == "v1"


def test_what_something_needs_is_not_deleted(store):
    for _ in range(2):
        with_file(store)
    with_file(store, parent="v1")
    store.activate(BASE, "v2")

    for name, reason in (("base", "base"), ("v2", "active"), ("v1", "v3 starts from")):
        with pytest.raises(VersionNeeded, match=reason):
            store.version_labels.delete(BASE, name)
    store.version_labels.delete(BASE, "v3")
    store.version_labels.delete(BASE, "v1")
    assert [v.version for v in store.versions(BASE)] == ["base", "v2"]


def test_a_version_in_an_open_blind_test_stays_until_the_test_ends(store):
    with_file(store)
    trial = store.blind_tests.create(BASE, "base", "v1", ["a cat"])

    with pytest.raises(VersionNeeded, match=trial.trial_id):
        store.version_labels.delete(BASE, "v1")
    store.blind_tests.set_state(trial.trial_id, "ended")
    store.version_labels.delete(BASE, "v1")
    assert store.blind_tests.get(trial.trial_id).after == "v1"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_version_that_an_unfinished_run_starts_from_stays_until_the_run_ends(store, state):
    gone = with_file(store)
    run_id = make_run(store, parent="v1")
    store.set_run_state(run_id, state)

    with pytest.raises(VersionNeeded, match=run_id):
        store.version_labels.delete(BASE, "v1")
    assert gone.adapter.exists()
    store.set_run_state(run_id, "cancelled")
    store.version_labels.delete(BASE, "v1")
    assert not gone.adapter.exists()


def test_a_file_outside_the_studio_is_not_ours_to_delete(store, tmp_path):
    elsewhere = tmp_path / "mine.safetensors"
    elsewhere.write_bytes(b"mine")
    store.add_version(BASE, "base", make_run(store), elsewhere, {})

    store.version_labels.delete(BASE, "v1")

    assert elsewhere.exists()


def test_an_import_becomes_a_version_without_a_run(store):
    place = store.version_labels.new_import()
    place.write_bytes(b"weights")
    version = store.version_labels.add_import(BASE, place, {"imported": {"file": "x"}})
    other = store.version_labels.add_import(BASE, store.version_labels.new_import(), {})

    assert (version.version, version.parent, version.run_id) == ("v1", "base", None)
    assert (version.adapter, other.version) == (place, "v2")
    store.version_labels.delete(BASE, "v1")
    assert not place.exists()
