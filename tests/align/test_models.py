"""What a person may type behind --model, and the sentence that answers it."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from align.errors import BrokenModel, ModelNotFound, WrongModel
from align.models import describe_model, embedded_folder, preset_of
from align.pipeline import load_pipeline


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(embedded_folder(), tmp_path / "my-model")


def test_the_embedded_model_needs_no_name(model):
    assert (model.name, model.preset, model.width) == ("emoji", "embedded", 128)


def test_a_copy_elsewhere_is_the_same_model_in_another_place(copy, model):
    info = describe_model(str(copy))
    assert info.name == "my-model"
    assert info.identity.split("-")[-1] == model.identity.split("-")[-1]


def test_a_solver_of_second_order_takes_fewer_steps(copy, model):
    assert (model.scheduler, model.steps) == ("UniPCMultistepScheduler", 8)
    config = copy / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps({"_class_name": "EulerDiscreteScheduler"}))
    assert (describe_model(str(copy)).scheduler, describe_model(str(copy)).steps) == (
        "EulerDiscreteScheduler",
        20,
    )


@pytest.mark.parametrize("solver", ["LCMScheduler", "TCDScheduler"])
def test_a_distilled_model_takes_four_steps_without_guidance(copy, solver):
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps({"_class_name": solver}))
    info = describe_model(str(copy))
    assert (info.steps, info.guidance) == (4, 1.0)


@pytest.mark.parametrize(
    ("scheduler", "preset"),
    [
        ({"_class_name": "EulerDiscreteScheduler", "prediction_type": "epsilon"}, "sdxl"),
        ({"_class_name": "EulerDiscreteScheduler"}, "sdxl"),
        ({"_class_name": "EulerDiscreteScheduler", "prediction_type": "v_prediction"}, "sdxl-v"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "sdxl-v"),
    ],
)
def test_a_large_model_is_trained_by_what_it_predicts(scheduler, preset):
    assert preset_of(scheduler, small=False) == preset
    assert preset_of(scheduler, small=True) == "embedded"


def test_a_hub_name_is_taken_as_it_is():
    info = describe_model("stabilityai/stable-diffusion-xl-base-1.0")
    assert (info.preset, info.width) == ("sdxl", 1024)


def test_a_missing_folder_says_what_to_do():
    with pytest.raises(ModelNotFound, match="Leave --model out"):
        describe_model("/nowhere/at/all")


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path):
    with pytest.raises(WrongModel, match=r"no model_index\.json"):
        describe_model(str(tmp_path))


def test_a_pipeline_of_another_kind_is_refused(copy):
    (copy / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(WrongModel, match="holds a FluxPipeline"):
        describe_model(str(copy))


def test_weights_cut_short_are_noticed_before_anything_loads(copy):
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(BrokenModel, match="cut short"):
        describe_model(str(copy))


def test_missing_weights_are_named(copy):
    shutil.rmtree(copy / "vae")
    with pytest.raises(BrokenModel, match=r"vae.*holds no weights"):
        describe_model(str(copy))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(copy, compute, number):
    file = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["conv_in.bias"][3] = number
    save_file(weights, file)
    with pytest.raises(BrokenModel, match=r"no numbers, first in unet\.conv_in\.bias"):
        load_pipeline(describe_model(str(copy)), compute)


def test_a_configuration_that_is_not_json_is_named(copy):
    (copy / "unet" / "config.json").write_text("{")
    with pytest.raises(BrokenModel, match=r"config\.json cannot be read"):
        describe_model(str(copy))


def test_half_precision_file_names_are_recognized(copy):
    assert describe_model(str(copy)).variant is None
    for file in list(copy.rglob("*.safetensors")):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    assert describe_model(str(copy)).variant == "fp16"


def test_half_precision_files_load(copy, compute):
    for file in list(copy.rglob("*.safetensors")):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    whole = load_pipeline(describe_model(), compute).unet.state_dict()
    half = load_pipeline(describe_model(str(copy)), compute).unet.state_dict()
    assert all(torch.equal(half[name], weight) for name, weight in whole.items())
