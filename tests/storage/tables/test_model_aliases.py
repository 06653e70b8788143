"""The names of a model: which lead to the rows of another name, and which do not."""

from __future__ import annotations

import pytest
from storage_making import make_pair

from storage import Store
from storage.acts import NewVote


@pytest.fixture
def base_of(store):
    return store.aliases.base_of


def test_a_new_model_is_kept_under_its_identity(base_of):
    assert base_of("sdxl-1", ("sdxl-2", "-abc")) == "sdxl-1"
    assert base_of("sdxl-1") == "sdxl-1"


def test_rows_of_an_old_name_stay_where_they_are(store, base_of):
    store.ensure_base("my-model-abc")

    assert base_of("sdxl-1", ("-abc",)) == "my-model-abc"
    assert base_of("sdxl-1") == "my-model-abc"


def test_only_the_end_of_a_name_counts(store, base_of):
    for name in ("my-abc-model", "my-model-xabc", "abc"):
        store.ensure_base(name)

    assert base_of("sdxl-1", ("-abc",)) == "sdxl-1"


def test_an_old_name_belongs_to_the_model_that_took_it(store, base_of):
    store.ensure_base("org/name")

    assert base_of("hub-of-may", ("org/name",)) == "org/name"
    assert base_of("hub-of-june", ("org/name",)) == "hub-of-june"
    assert base_of("hub-of-may") == "org/name"


def test_a_hub_model_that_arrives_on_the_disk_keeps_its_rows(base_of):
    assert base_of("hub-1", ("org/name",)) == "hub-1"
    assert base_of("sdxl-1", ("hub-1", "org/name")) == "hub-1"
    assert base_of("hub-2", ("org/name",)) == "hub-2"


def test_a_name_that_was_only_possible_leads_its_owner_alone(base_of):
    assert base_of("sdxl-1", ("sdxl-1-as-bf16",)) == "sdxl-1"
    assert base_of("sdxl-2", ("sdxl-1-as-bf16",)) == "sdxl-2"
    assert base_of("sdxl-1-as-bf16") == "sdxl-1"
    assert base_of("sdxl-3", ("sdxl-1-as-bf16",)) == "sdxl-1"


def test_two_names_of_one_model_are_put_together_once_that_is_known(store, home, base_of):
    for base in ("hub-1", "sdxl-1"):
        assert base_of(base) == base
        store.ensure_base(base)
        store.version_labels.add_import(base, home / "a.safetensors", {})
        store.activate(base, "v1")
    pair = make_pair(store)
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "key"))

    assert base_of("sdxl-1", ("hub-1",)) == "sdxl-1"

    assert [v.version for v in store.versions("sdxl-1")] == ["base", "v1", "v2"]
    assert store.active("sdxl-1").version == "v1"
    assert base_of("hub-1") == "sdxl-1"


def test_names_outlive_the_app(home):
    with Store(home) as store:
        store.ensure_base("old-abc")
        store.aliases.base_of("sdxl-1", ("-abc",))
    with Store(home) as store:
        assert store.aliases.base_of("sdxl-1") == "old-abc"
