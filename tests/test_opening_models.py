"""Another model without a restart, through the API of the real app, and after the next start."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client.exceptions import AppError
from running import App, open_pair, run_app, wait_for
from safetensors.torch import load_file, save_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(small_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models, and a file that is none."""
    folder = tmp_path_factory.mktemp("models") / "checkpoints"
    shutil.copytree(small_model_folder, folder / "first")
    shutil.copytree(small_model_folder, folder / "second")
    unet = folder / "second" / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: 0.9 * weight for name, weight in load_file(unet).items()}, unet)
    (folder / "download.safetensors").write_text("<html>Please sign in</html>")
    return folder


@pytest.fixture(scope="module")
def app(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("opening") / "studio"
    running = App(home, "--train-every", "0", "--models", str(models))
    running.options = (*running.options, "--model", "first")
    running.start()
    yield running
    running.stop()


def test_a_model_from_the_folder_renders_in_place_of_the_other_and_comes_back(app, models):
    api = app.client()
    listed = api.predict(api_name="/models")
    rows = {row["name"]: row for row in listed["models"]}
    assert (listed["current"]["name"], rows["first"]["open"]) == ("first", True)
    assert "web page" in rows["download.safetensors"]["problem"]

    first = open_pair(api, "ada")
    api.predict(first["pair_id"], "left", "ada", uuid.uuid4().hex, api_name="/vote")
    found = api.predict("second", api_name="/look_up_model")
    assert (found["name"], found["open"], found["download"]) == ("second", False, None)
    assert api.predict("second", api_name="/open_model")["open"]
    assert api.predict(api_name="/stats")["votes"] == 0
    second = open_pair(api, "ada")
    assert second["pair_id"] != first["pair_id"]

    with pytest.raises(AppError, match="web page"):
        api.predict("download.safetensors", api_name="/open_model")
    assert api.predict(api_name="/models")["current"]["name"] == "second"

    app.stop()
    app.options = ("--train-every", "0")
    app.start()
    api = app.client()
    assert api.predict(api_name="/models")["current"]["name"] == "second"
    wait_for(lambda: api.predict(api_name="/models")["sampler"]["state"] == "ready", "the model")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--models", "no/such/folder"), "There is no folder of models at"),
        (("--model", "no/such/file.safetensors"), "No model at"),
    ],
)
def test_what_is_not_there_ends_in_one_sentence(tmp_path, options, sentence):
    refused = run_app("--home", str(tmp_path / "studio"), *options)
    assert refused.returncode == 2 and sentence in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
