"""What a person may choose beside a model: a prediction, an autoencoder, and names of any kind."""

from __future__ import annotations

import json

import pytest
from tiny_models import write_tiny_model

from align.client.catalog.catalog import ModelCatalog
from align.client.model_defaults import unsupported_reason
from align.client.models import describe_model
from align.errors import BrokenModel, ModelNotFound, WrongModel

EDM = {"_class_name": "EDMEulerScheduler", "prediction_type": "v_prediction"}
FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler"}


@pytest.fixture
def model(tmp_path):
    return write_tiny_model(tmp_path / "model")


def write_scheduler(model, config) -> None:
    (model / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))


def test_a_model_of_edm_takes_what_it_predicts_and_refuses_any_other_choice(model):
    write_scheduler(model, EDM)
    told = describe_model(str(model))
    assert describe_model(str(model), prediction="v_prediction") == told
    with pytest.raises(WrongModel, match=r"predicts v_prediction by its .* 'epsilon'\. Leave"):
        describe_model(str(model), prediction="epsilon")


def test_a_model_of_flows_refuses_other_predictions(model):
    write_scheduler(model, FLOW)
    with pytest.raises(WrongModel, match="predicts flow_prediction by its noise schedule"):
        describe_model(str(model), prediction="epsilon")


def test_what_a_solver_of_edm_cannot_be_trained_for_is_not_among_what_it_can():
    reason = unsupported_reason(EDM | {"prediction_type": "sample"})
    assert "what predicts epsilon, v_prediction with EDMEulerScheduler." in reason


VAE = {"_class_name": "AutoencoderKL", "latent_channels": 4, "block_out_channels": [8, 8, 8, 8]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"_class_name": "AutoencoderTiny"}, "'AutoencoderTiny', and SDXL's .* an AutoencoderKL"),
        ({"latent_channels": 16}, r"latent channels is 16, not 4"),
        ({"block_out_channels": [8, 8]}, r"block out channels is \[8, 8\]"),
    ],
)
def test_a_folder_of_another_autoencoder_is_refused(model, tmp_path, changes, words):
    own = {"latent_channels": 4, "block_out_channels": [8, 8, 8, 8]}
    (model / "vae" / "config.json").write_text(json.dumps(own))
    vae = tmp_path / "vae"
    vae.mkdir()
    (vae / "diffusion_pytorch_model.safetensors").touch()
    (vae / "config.json").write_text(json.dumps(VAE))
    assert describe_model(str(model), vae=str(vae)).vae == str(vae)
    (vae / "config.json").write_text(json.dumps(VAE | changes))
    with pytest.raises(WrongModel, match=words):
        describe_model(str(model), vae=str(vae))
    (vae / "config.json").write_text("[")
    with pytest.raises(BrokenModel, match="cannot be read"):
        describe_model(str(model), vae=str(vae))


@pytest.mark.parametrize("name", ["~nosuch/x.safetensors", "a" * 300, "a" * 5000, "x\0y"])
def test_a_name_that_no_path_can_have_is_refused_in_a_sentence(model, tmp_path, name):
    catalog = ModelCatalog(tmp_path, tmp_path / "model.json", None)
    for describe in (describe_model, catalog.describe):
        with pytest.raises(ModelNotFound, match=r"cannot be looked at: .*\. Name a file") as caught:
            describe(name)
        assert len(str(caught.value)) < 400
    with pytest.raises(ModelNotFound, match="cannot be looked at"):
        describe_model(str(model), vae=name)
