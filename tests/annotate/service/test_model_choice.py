"""Opening another model without a restart: its votes, its versions, and everybody's page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from annotate_doubles import PaintingSampler
from places import ENDLESS, Open, Place, until
from tiny_models import tiny_weights, write_tiny_model

from align.client.catalog.catalog import ModelCatalog
from align.contracts.errors import PalateError
from align.contracts.models import ModelInfo
from annotate.errors import InvalidImport, InvalidRequest, ModelBusy
from annotate.labeling.new_acts import as_vote

pytestmark = pytest.mark.slow

Samplers = list[PaintingSampler]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two models of different weights, and a file that is none."""
    folder = tmp_path / "checkpoints"
    write_tiny_model(folder / "one")
    unet = {name: values + np.float32(0.01) for name, values in tiny_weights("unet").items()}
    write_tiny_model(folder / "sub" / "two", {"unet": unet})
    (folder / "page.safetensors").write_text("<!doctype html><p>Sign in")
    return folder


@pytest.fixture
def samplers() -> Samplers:
    """Every sampler that was made for a model that was opened."""
    return []


@pytest.fixture
def open_models(
    open_place: Open, models: Path, samplers: Samplers, tmp_path: Path
) -> Callable[[], Place]:
    """Open a studio with the first model, which can open the other."""

    def new_sampler(model: object, on_ready: Callable[[], None]) -> PaintingSampler:
        samplers.append(PaintingSampler(tmp_path / "studio" / "images", on_ready=on_ready))
        return samplers[-1]

    def open_one() -> Place:
        catalog = ModelCatalog(models, tmp_path / "studio" / "model.json", new_sampler)  # type: ignore[arg-type]
        return open_place(model=catalog.describe("one"), models=catalog)

    return open_one


@pytest.fixture
def place(open_models: Callable[[], Place]) -> Place:
    return open_models()


def test_each_model_keeps_its_votes_and_finds_them_again(place):
    place.label(3)
    opened = place.studio.models.open("sub/two")
    assert (opened["name"], opened["open"]) == ("two", True)
    assert place.studio.stats()["votes"] == 0
    place.label(1)
    place.studio.models.open("one")
    assert place.studio.stats()["votes"] == 3


def test_the_model_before_is_stopped_and_renders_no_more(place, samplers):
    compare = place.studio.compare_many(["a cat"], [1], "base", "base")
    place.studio.models.open("sub/two")
    until(lambda: samplers[-1].requests)
    assert place.sampler.current == "stopped"
    before = len(place.sampler.requests)
    place.label(9)
    assert len(place.sampler.requests) == before
    compare.close()


def test_pages_follow_with_their_next_pair_and_votes_on_the_way_still_count(place):
    held = until(lambda: place.studio.pairs_ahead("ada", [], 3)["pairs"])
    place.studio.models.open("sub/two")
    ids = [pair["pair_id"] for pair in held]
    answer = place.studio.pairs_ahead("ada", ids, 3)
    assert sorted(answer["passed_over"]) == sorted(ids)
    place.studio.vote(as_vote(ids[0], "left", "ada", "key"))
    assert place.studio.stats()["votes"] == 0
    place.studio.models.open("one")
    assert place.studio.stats()["votes"] == 1


def test_sets_of_four_of_the_model_before_are_passed_over_too(place):
    held = until(lambda: place.studio.quads_ahead("ada", [], 1)["pairs"])
    place.studio.models.open("sub/two")
    ids = [quad["pair_id"] for quad in held]
    assert place.studio.quads_ahead("ada", ids, 1)["passed_over"] == ids


@pytest.mark.slow
def test_a_run_under_way_refuses_another_model_and_goes_on(place):
    place.label(2)
    run = place.studio.fine_tune(ENDLESS)["run_id"]
    with pytest.raises(ModelBusy, match=rf"Run {run} trains on this model.*cancel it"):
        place.studio.models.open("sub/two")
    assert place.state(run) == "running"
    place.studio.cancel_run(run)
    place.reach(run, "cancelled")
    assert place.studio.models.open("sub/two")["open"]
    assert place.studio.runs() == []


def test_an_import_under_way_refuses_another_model(place, monkeypatch):
    monkeypatch.setattr(type(place.studio.importer), "progress", object())
    with pytest.raises(ModelBusy, match="folder of images is being read"):
        place.studio.models.open("sub/two")


@pytest.mark.parametrize(
    ("name", "prediction", "sentence"),
    [
        ("page.safetensors", "", "web page"),
        ("no-such-model", "", "no-such-model"),
        ("  ", "", "Name a file"),
        ("sub/two", "noise", "epsilon or v_prediction, not 'noise'"),
    ],
)
def test_what_cannot_be_opened_is_refused_and_nothing_changes(place, name, prediction, sentence):
    place.label(1)
    with pytest.raises(PalateError, match=sentence):
        place.studio.models.open(name, "", prediction)
    assert place.studio.models.current()["name"] == "one"
    assert place.studio.stats()["votes"] == 1
    place.label(1)


def test_a_model_that_fails_to_start_gives_the_one_before_back(place, monkeypatch):
    place.label(1)
    failing = monkeypatch.context
    with failing() as patch:
        patch.setattr(place.store, "ensure_base", fails_once(place.store.ensure_base))
        with pytest.raises(InvalidImport, match="the disk is full"):
            place.studio.models.open("sub/two")
    assert place.studio.models.current()["name"] == "one"
    place.label(2)
    assert place.studio.stats()["votes"] == 3


def test_a_hub_name_that_nobody_could_look_up_leaves_the_open_model_open(place, monkeypatch):
    guess = ModelInfo("org/xl", "org/xl", "org/xl", "sdxl", doubt="the hub does not answer")
    monkeypatch.setattr(ModelCatalog, "describe", lambda *_: guess)
    with pytest.raises(InvalidRequest, match=r"org/xl is not on .*: the hub does not answer\. "):
        place.studio.models.open("org/xl")
    assert place.studio.models.look_up("org/xl")["doubt"] == "the hub does not answer"
    assert place.studio.models.current()["name"] == "one"


def fails_once(works: Callable[[str], object]) -> Callable[[str], object]:
    failures = iter([InvalidImport("the disk is full")])

    def work(name: str) -> object:
        for failure in failures:
            raise failure
        return works(name)

    return work


def test_the_list_says_what_can_be_opened_and_why_not(place, models):
    listed = place.studio.models.all()
    rows = {row["name"]: row for row in listed["models"]}
    assert listed["folder"] == str(models)
    assert {"emoji", "emoji-fast", "one", "sub/two", "page.safetensors"} <= set(rows)
    assert "web page" in (rows["page.safetensors"]["problem"] or "")
    assert [name for name, row in rows.items() if row["open"]] == ["one"]
    assert rows["sub/two"]["problem"] is None and rows["sub/two"]["bytes"] > 0


def test_looking_up_opens_nothing(place, samplers):
    found = place.studio.models.look_up("sub/two")
    assert (found["name"], found["open"], found["download"]) == ("two", False, None)
    assert place.studio.models.current()["name"] == "one" and samplers == []


def test_a_studio_without_other_models_says_so(open_place):
    studio = open_place().studio
    assert studio.models.all()["models"] == []
    with pytest.raises(InvalidRequest, match="without the means"):
        studio.models.open("anything")


def test_a_closed_studio_opens_nothing(place):
    place.studio.close()
    with pytest.raises(ModelBusy, match="closing"):
        place.studio.models.open("sub/two")


def test_the_model_opened_last_comes_with_the_next_start(place, models, tmp_path):
    place.studio.models.open("sub/two")
    catalog = ModelCatalog(models, tmp_path / "studio" / "model.json", None)  # type: ignore[arg-type]
    assert catalog.first(None, None, None).name == "two"
    assert catalog.first("one", None, None).name == "one"
