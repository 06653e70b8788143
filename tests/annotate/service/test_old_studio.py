"""A studio of before models were known by their content: three models, of which two are one.

old_studio.zip was made by commit a05d373 with the pipeline folders `my-model` and `renamed-once`
(the weights of `write_tiny_model`, twice) and `another`, each with votes, an undo, runs, versions,
names of versions, an active version and a blind test.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from annotate_doubles import small_model
from tiny_models import tiny_weights, write_tiny_model

from align.client.models import describe_model
from storage.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path):
    with zipfile.ZipFile(Path(__file__).parents[1] / "old_studio.zip") as archive:
        archive.extractall(tmp_path / "studio")
    return tmp_path / "studio"


def model_of(folder):
    known = describe_model(str(folder))
    return small_model(name=known.name, identity=known.identity, aliases=known.aliases)


@pytest.fixture
def mine(tmp_path):
    return write_tiny_model(tmp_path / "a third name")


def test_votes_and_versions_are_there_after_the_folder_was_renamed(home, mine, open_place):
    place = open_place(model=model_of(mine))

    assert place.studio.stats()["votes"] == 7 + 4
    names = [(v["version"], v["parent"], v["name"], v["active"]) for v in place.studio.versions()]
    assert names == [
        ("base", None, "", False),
        ("v1", "base", "first of my-model", False),
        ("v2", "v1", "", False),
        ("v3", "base", "first of renamed-once", True),
    ]


def test_runs_and_blind_tests_are_there_and_go_on(home, mine, open_place):
    place = open_place(model=model_of(mine))

    runs = {run["run_id"]: run["version"] for run in place.studio.runs()}
    assert runs == {"r0001": "v1", "r0002": "v2", "r0003": "v3"}
    tests = [(t["trial"], t["before"], t["after"]) for t in place.studio.blind_tests.all_results()]
    assert sorted(tests) == [("t0001", "base", "v1"), ("t0002", "base", "v3")]
    place.label(1)
    run = place.studio.fine_tune({"steps": 2, "start": "v3"})["run_id"]
    assert place.reach(run, "done")["version"] == "v4"


def test_each_person_can_still_take_back_a_vote(home, mine, open_place):
    place = open_place(model=model_of(mine))

    for person in ("ann", "bea"):
        place.studio.undo(person)
    assert place.studio.stats()["votes"] == 9


def test_another_model_keeps_its_own(home, mine, tmp_path, open_place):
    first = open_place(model=model_of(mine))
    first.close()
    weights = {name: values * 2 for name, values in tiny_weights("unet").items()}
    other = write_tiny_model(tmp_path / "moved", {"unet": weights})

    place = open_place(model=model_of(other))

    assert place.studio.stats()["votes"] == 3
    assert [version["name"] for version in place.studio.versions()] == ["", "first of another"]


def test_opening_again_changes_nothing(home, mine, open_place):
    for _ in range(3):
        place = open_place(model=model_of(mine))
        seen = place.studio.versions(), place.studio.stats()["votes"]
        place.close()
        with Store(home) as store:
            rows = store._database.read("SELECT * FROM model_aliases ORDER BY alias")
    assert seen[1] == 11 and len(seen[0]) == 4
    assert {row[1] for row in rows} == {"my-model-6ea177f3e722"}
