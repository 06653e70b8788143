import pytest
from storage_making import BASE, make_run, make_version

from storage import Store, UnknownRun, UnknownVersion, Version


def test_a_model_starts_with_its_untuned_version_active(store, clock):
    base = store.ensure_base("sdxl")

    assert base == Version("base", "sdxl", None, None, None, clock.now, active=True, summary={})
    assert store.ensure_base("sdxl") == base
    assert store.versions("sdxl") == [base] == [store.active("sdxl")]


def test_versions_are_numbered_per_model_and_know_their_parents(store):
    first = make_version(store)
    second = make_version(store, parent="v1")
    third = make_version(store, parent="base")

    assert [v.version for v in store.versions(BASE)] == ["base", "v1", "v2", "v3"]
    assert [v.parent for v in (first, second, third)] == ["base", "v1", "base"]
    assert store.version(BASE, "v2") == second
    assert (first.summary, first.run_id) == ({"pairs": 1}, "r0001")


def test_a_run_makes_one_version(store):
    made = make_version(store)

    again = store.add_version(BASE, "base", made.run_id, made.adapter, {"other": 2})

    assert again == made
    assert len(store.versions(BASE)) == 2


def test_a_finished_version_is_not_active_until_it_is_made_so(store):
    make_version(store)
    make_version(store)
    assert store.active(BASE).version == "base"

    for name in ("v2", "v1", "base", "v1"):
        assert store.activate(BASE, name).active
        assert store.active(BASE).version == name
        assert [v.version for v in store.versions(BASE) if v.active] == [name]


def test_what_is_active_survives_closing(home, store):
    make_version(store)
    active = store.activate(BASE, "v1")
    store.close()

    with Store(home) as reopened:
        assert reopened.active(BASE) == active


def test_a_studio_that_was_moved_finds_its_adapters(home, tmp_path, store):
    make_version(store)
    store.close()
    moved = home.rename(tmp_path / "moved")

    with Store(moved) as reopened:
        adapter = reopened.version(BASE, "v1").adapter
    assert adapter == moved / "runs" / "r0001" / "adapter.safetensors"


def test_an_adapter_from_elsewhere_keeps_its_address(store, tmp_path):
    run_id = make_run(store)
    elsewhere = tmp_path / "mine.safetensors"

    assert store.add_version(BASE, "base", run_id, elsewhere, {}).adapter == elsewhere


@pytest.mark.parametrize("name", ["v1", "v0", "v01", "V1", "", "v99999999999999999999"])
def test_an_unknown_version_is_refused_everywhere(store, name):
    run_id = make_run(store)
    for ask in (
        lambda: store.version(BASE, name),
        lambda: store.activate(BASE, name),
        lambda: store.add_version(BASE, name, run_id, store.run_dir(run_id), {}),
    ):
        with pytest.raises(UnknownVersion, match=repr(name)):
            ask()


def test_a_model_never_seen_has_no_versions(store):
    assert store.versions("unseen") == []
    with pytest.raises(UnknownVersion, match="unseen"):
        store.active("unseen")


def test_a_version_needs_the_run_that_made_it(store, tmp_path):
    with pytest.raises(UnknownRun, match="r0404"):
        store.add_version(BASE, "base", "r0404", tmp_path, {})


def test_the_version_that_was_active_before_is_known_unless_it_was_deleted(store):
    for _ in range(3):
        make_version(store)
    before = store.version_labels.active_before
    assert before(BASE, "v1").version == "base"
    for name in ("v1", "v2", "v2", "v3"):
        store.activate(BASE, name)

    assert before(BASE, "v3").version == "v2"
    store.version_labels.delete(BASE, "v2")
    assert before(BASE, "v3").version == "v1"
    store.version_labels.delete(BASE, "v1")
    assert before(BASE, "v3").version == "base"
