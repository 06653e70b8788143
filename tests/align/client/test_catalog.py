"""What a person can open: names in a folder, the model opened last, and room for a download."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_models import write_tiny_model

from align.client.catalog.catalog import ModelCatalog, check_models_folder
from align.client.catalog.hub_cache import (
    download_of,
    download_sentence,
    downloading,
    free_bytes,
    require_room,
)
from align.contracts.models import Download, ModelInfo
from align.errors import ModelNotFound, ModelUnavailable

GB = 10**9
HUB_MODEL = ModelInfo("org/xl", "org/xl", "org/xl@1", "sdxl", download_bytes=7 * GB)


@pytest.fixture
def catalog(tmp_path: Path) -> ModelCatalog:
    write_tiny_model(tmp_path / "models" / "noob")
    file = tmp_path / "model.json"
    return ModelCatalog(tmp_path / "models", file, lambda model, on_ready: on_ready)  # type: ignore[arg-type, return-value]


def open_and_load(catalog, model: ModelInfo, prediction: str | None = None) -> None:
    """Open a model as the page does, with a sampler that loads it at once."""
    loaded = catalog.new_sampler(model)
    catalog.remember(model, prediction)
    loaded()


def test_a_model_is_named_as_it_is_in_the_folder_or_by_its_path(catalog, tmp_path):
    path = str(tmp_path / "models" / "noob")
    assert catalog.describe("noob") == catalog.describe(path)
    assert catalog.describe("noob").path == path


def test_the_embedded_models_come_first_and_keep_their_names(catalog):
    assert [model.name for model in catalog.models().files] == ["emoji", "emoji-fast", "noob"]


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ModelNotFound, match=r"no folder of models at .*nowhere"):
        check_models_folder(tmp_path / "nowhere")
    with pytest.raises(ModelNotFound):
        ModelCatalog(tmp_path / "nowhere", tmp_path / "model.json", None).models()


def test_nothing_was_opened_at_first(catalog):
    assert catalog.first(None, None, None).path == "emoji"


def test_a_model_that_is_gone_is_said_so_with_what_to_name(catalog, tmp_path):
    open_and_load(catalog, catalog.describe("noob"))
    shutil.rmtree(tmp_path / "models" / "noob")
    with pytest.raises(ModelNotFound, match=r"noob.*opened last on the page.*--model emoji"):
        catalog.first(None, None, None)


@pytest.mark.parametrize("content", ["", "[]", "{", '"emoji"', "null"])
def test_a_damaged_memory_opens_the_embedded_model(catalog, tmp_path, content):
    (tmp_path / "model.json").write_text(content)
    assert catalog.first(None, None, None).path == "emoji"


def test_what_is_remembered_can_be_read(catalog, tmp_path):
    open_and_load(catalog, catalog.describe("noob"))
    kept = json.loads((tmp_path / "model.json").read_text())
    assert kept == {"model": str(tmp_path / "models" / "noob"), "vae": None, "prediction": None}


def test_what_a_file_tells_is_no_choice_of_a_person_at_the_next_start(catalog, tmp_path):
    told = replace(catalog.describe("noob"), prediction="epsilon", unsure=("prediction",))
    open_and_load(catalog, told)
    assert catalog.remembered().prediction is None
    open_and_load(catalog, told, "v_prediction")
    assert catalog.remembered().prediction == "v_prediction"


def test_a_model_that_never_loaded_is_not_opened_by_the_next_start(catalog):
    noob = catalog.describe("noob")
    loaded = catalog.new_sampler(noob)
    catalog.remember(noob)
    assert catalog.first(None, None, None).path == "emoji"
    loaded()
    assert catalog.first(None, None, None) == noob


def test_a_download_counts_what_is_there(tmp_path):
    blobs = tmp_path / "models--org--xl" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "a.incomplete").write_bytes(b"x" * 500)
    download = download_of(HUB_MODEL, tmp_path)
    assert (download.there, download.missing, download.folder) == (500, 7 * GB - 500, str(tmp_path))
    assert download.free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert download_of(replace(HUB_MODEL, download_bytes=0), tmp_path) is None


def test_free_space_is_that_of_the_disk_where_the_folder_will_be(tmp_path):
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


def test_a_download_that_does_not_fit_is_refused_before_it_starts():
    require_room(HUB_MODEL, Download(7 * GB, 0, 9 * GB, "/cache"))
    require_room(HUB_MODEL, Download(7 * GB, 6 * GB, 3 * GB, "/cache"))
    require_room(HUB_MODEL, Download(7 * GB, 0, None, "/cache"))
    with pytest.raises(ModelUnavailable, match=r"org/xl needs 7\.0 GB .* 7\.5 GB free.*HF_HOME"):
        require_room(HUB_MODEL, Download(7 * GB, 0, 15 * GB // 2, "/cache"))


def test_progress_names_what_is_there_and_how_much_there_will_be():
    assert downloading(HUB_MODEL, 2 * GB) == "Downloading org/xl: 2.0 GB of 7.0 GB."
    assert downloading(HUB_MODEL, 8 * GB) == "Downloading org/xl: 8.0 GB so far."
    told = download_sentence(HUB_MODEL, Download(7 * GB, GB, 20 * GB, "/cache"))
    assert "6.0 GB to /cache (20.0 GB free)" in told
