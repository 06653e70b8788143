"""What a person may type behind --model, and the sentence that answers it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import write_tiny_model

from align.client.model_defaults import preset_of
from align.client.models import describe_model
from align.contracts.models import embedded_folder
from align.contracts.rendering import RenderItem
from align.data.encode import encode_prompts
from align.errors import BrokenModel, InvalidSettings, ModelNotFound, WrongModel
from align.sampling.image_sampler import render_settings
from align.sampling.render import render
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(embedded_folder(), tmp_path / "my-model")


def test_the_embedded_model_needs_no_name(model):
    assert (model.name, model.preset, model.width) == ("emoji", "embedded", 128)


def test_a_copy_elsewhere_is_the_same_model_in_another_place(copy, model):
    info = describe_model(str(copy))
    assert info.name == "my-model"
    assert info.identity.split("-")[-1] == model.identity.split("-")[-1]


def test_text_encoders_tell_how_far_clip_skip_goes(copy, model, compute):
    assert model.max_clip_skip == describe_model(str(copy)).max_clip_skip == 3
    most = model.max_clip_skip
    pipeline = load_pipeline(model, compute)
    encode_prompts(pipeline, ["a cat"], most)
    with pytest.raises(InvalidSettings, match="Take at most 3"):
        encode_prompts(pipeline, ["a cat"], most + 1)
    config = copy / "text_encoder_2/config.json"
    config.write_text(config.read_text().replace('_layers": 2', '_layers": 40'))
    (copy / "text_encoder/config.json").write_text('{"num_hidden_layers": 24}')
    assert describe_model(str(copy)).max_clip_skip == 12


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


@pytest.mark.parametrize("folder", ["/nowhere/at/all", "./nowhere", "../nowhere", "a/b/c"])
def test_a_missing_folder_says_what_to_do(folder):
    with pytest.raises(ModelNotFound, match="neither a folder nor a hub name"):
        describe_model(folder)


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


def as_variant(folder, parts, variant="fp16"):
    for part in parts:
        for file in list((folder / part).glob("*.safetensors")):
            file.rename(file.with_suffix(f".{variant}.safetensors"))


ALL = ("unet", "vae", "text_encoder", "text_encoder_2")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: as_variant(folder, ALL),
        lambda folder: as_variant(folder, ALL[::2]),
        lambda folder: as_variant(folder, ["vae"]),
        lambda folder: (as_variant(folder, ["unet"]), as_variant(folder, ["vae"], "bf16")),
        lambda folder: as_variant(folder, ALL, "ema"),
    ],
    ids=["all", "not the autoencoder", "only the autoencoder", "two variants", "another name"],
)
def test_files_of_variants_load_in_any_mixture(copy, compute, model, pipeline, change):
    change(copy)
    # What somebody keeps beside the weights is none of the loader's business.
    (copy / "unet" / "LICENSE").write_text("free")
    info = describe_model(str(copy))
    loaded = load_pipeline(info, compute)
    assert info.identity == model.identity
    for part in ALL:
        weights = getattr(loaded, part).state_dict()
        whole = getattr(pipeline, part).state_dict()
        assert all(torch.equal(weights[name], weight) for name, weight in whole.items())


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_shards_load(copy, compute, model, pipeline, variant):
    (copy / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    (copy / "text_encoder_2" / "model.safetensors").unlink()
    options = {"max_shard_size": "2MB", "variant": variant}
    pipeline.unet.save_pretrained(copy / "unet", **options)
    pipeline.text_encoder_2.save_pretrained(copy / "text_encoder_2", **options)
    assert len(list((copy / "unet").glob("*-of-*.safetensors"))) > 1
    info = describe_model(str(copy))
    assert (info.identity, info.variant) == (model.identity, variant)
    weights = load_pipeline(info, compute).unet.state_dict()
    whole = pipeline.unet.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in whole.items())
    next((copy / "unet").glob("*-00002-of-*.safetensors")).unlink()
    with pytest.raises(BrokenModel, match=r"unet holds \d+ of \d+ files of weights"):
        describe_model(str(copy))


def test_shards_without_their_list_are_said_to_lack_it(copy, pipeline):
    (copy / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    pipeline.unet.save_pretrained(copy / "unet", max_shard_size="2MB")
    (copy / "unet" / "diffusion_pytorch_model.safetensors.index.json").unlink()
    with pytest.raises(BrokenModel, match=r"lacks diffusion_pytorch_model\.safetensors\.index"):
        describe_model(str(copy))


def rewrite(folder, name, **changes):
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


TRAILING = {"timestep_spacing": "trailing", "prediction_type": "epsilon"}
FULL = TRAILING | {"rescale_betas_zero_snr": True}
VELOCITY = {"timestep_spacing": "trailing", "prediction_type": "v_prediction"}
ANCESTRAL = {"_class_name": "EulerAncestralDiscreteScheduler"}


@pytest.mark.parametrize(
    ("name", "scheduler", "unet", "few"),
    [
        ("a", ANCESTRAL | TRAILING, {}, True),
        ("a", ANCESTRAL | FULL, {}, False),
        ("a", ANCESTRAL | VELOCITY, {}, False),
        ("a", ANCESTRAL, {}, False),
        ("a", TRAILING, {}, False),
        ("a", FULL, {}, False),
        ("a", VELOCITY, {}, False),
        ("a", {}, {"time_cond_proj_dim": 256}, True),
        ("dreamshaperXLLightning_v2", {}, {}, True),
        ("SDXL_Turbo", {}, {}, True),
        ("sdxlturbo", {}, {}, True),
        ("Hyper-SDXL-8steps", {}, {}, True),
        ("my_dmd2_merge", {}, {}, True),
        ("turbochargers", {}, {}, False),
        ("hyperrealism-xl", {}, {}, False),
        ("enlightninged", {}, {}, False),
        ("sdxl_4step_unet", {}, {}, True),
        ("cats-epoch-4-step-2000", {}, {}, False),
        ("epoch=2-step=1500", {}, {}, False),
        ("a", {}, {"_name_or_path": "stabilityai/sdxl-turbo"}, True),
        ("a", {}, {"_name_or_path": "turbo/plain-model"}, False),
    ],
)  # fmt: skip
def test_few_step_models_are_told_from_others(tmp_path, name, scheduler, unet, few):
    folder = write_tiny_model(tmp_path / name)
    rewrite(folder, "scheduler/scheduler_config.json", **scheduler)
    rewrite(folder, "unet/config.json", **unet)
    info = describe_model(str(folder))
    assert ((info.steps, info.guidance) == (4, 1.0)) == few


SHIFTED_BY_SIZE = {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True}
FLOWS = {
    "FlowMatchEulerDiscreteScheduler": {"shift": 3.0},
    "FlowMatchHeunDiscreteScheduler": {},
    "UniPCMultistepScheduler": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
    "DPMSolverMultistepScheduler": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
}


@pytest.mark.parametrize("solver", FLOWS)
def test_a_flow_model_is_opened_with_settings_for_velocities(tmp_path, solver):
    folder = write_tiny_model(tmp_path / "flow")
    rewrite(folder, "scheduler/scheduler_config.json", _class_name=solver, **FLOWS[solver])
    info = describe_model(str(folder))
    assert (info.scheduler, info.schedule) == (solver, "flow")


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        (SHIFTED_BY_SIZE, "is a flow-matching model"),
        ({"prediction_type": "flow_prediction"}, "is a flow-matching model"),
        ({"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True}, "flow-matching"),
        ({"_class_name": "ScoreSdeVeScheduler"}, "ScoreSdeVeScheduler, a scheduler whose"),
        ({"prediction_type": "x0"}, "predicts 'x0'"),
        ({"beta_schedule": "cosine"}, "the noise schedule 'cosine'"),
        ({"_class_name": "EDMEulerScheduler", "prediction_type": "sample"}, "predicts 'sample'"),
    ],
)
def test_what_would_be_trained_as_something_else_is_refused(tmp_path, scheduler, words):
    folder = write_tiny_model(tmp_path / "odd")
    rewrite(folder, "scheduler/scheduler_config.json", **scheduler)
    with pytest.raises(WrongModel, match=words):
        describe_model(str(folder))


@pytest.mark.parametrize("size", ["big", 0, -64, 1.5, True, [], {"a": 1}, 10**9])
def test_a_size_that_cannot_be_is_refused(tmp_path, size):
    folder = write_tiny_model(tmp_path / "odd")
    rewrite(folder, "unet/config.json", sample_size=size)
    if size == []:
        assert describe_model(str(folder)).width == 1024
        return
    with pytest.raises(BrokenModel, match="says that its latents are"):
        describe_model(str(folder))


def test_a_model_that_is_trained_by_edm_is_rendered_by_it(copy, compute):
    settings = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5}
    edm = {"_class_name": "EDMDPMSolverMultistepScheduler", **settings}
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps(edm))
    rewrite(copy, "model_index.json", scheduler=["diffusers", edm["_class_name"]])
    info = replace(describe_model(str(copy)), steps=2)
    images = render(
        load_pipeline(info, compute),
        compute,
        [RenderItem("a cat", 1)],
        render_settings(info),
    )
    assert images[0].size == (128, 128)


def test_a_guess_that_was_wrong_is_not_loaded(copy, compute):
    doubted = replace(describe_model(str(copy)), steps=30, doubt="nobody answered")
    with pytest.raises(WrongModel, match=r"its steps is 8, not 30.*nobody answered.*Restart"):
        load_pipeline(doubted, compute)
    right = replace(describe_model(str(copy)), doubt="nobody answered")
    assert load_pipeline(right, compute)
