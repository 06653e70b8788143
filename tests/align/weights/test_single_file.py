"""A model that is one file, under the published code's names, is that model."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import replace

import pytest
import torch
from diffusers import (
    EDMEulerScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)
from safetensors.torch import load_file, save_file

from align.client.models import describe_model
from align.client.single_file.configs import STORED
from align.client.single_file.model_config import model_config
from align.contracts.rendering import RenderItem
from align.device import Compute
from align.errors import BrokenModel, ModelNotFound, WrongModel
from align.sampling.image_sampler import render_settings
from align.sampling.render import render
from align.training.fine_tune import fine_tune
from align.weights.checkpoint_writer import write_checkpoint
from align.weights.clip_tokenizers import sdxl_tokenizer
from align.weights.export import export
from align.weights.import_lora import build_empty_unet
from align.weights.lora_forms import base_weights
from align.weights.pipeline import load_pipeline
from align.weights.single_file import load_vae

pytestmark = pytest.mark.slow

PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
ITEMS = [RenderItem("a red heart, flat design", 1), RenderItem("a cat", 2)]


@pytest.fixture(scope="session")
def emoji_file(emoji_pipeline, tmp_path_factory):
    """The embedded model as one file."""
    file = tmp_path_factory.mktemp("files") / "my-emoji.safetensors"
    write_checkpoint(emoji_pipeline, file)
    return file


@pytest.fixture(scope="session")
def from_file(emoji_file, compute):
    return load_pipeline(describe_model(str(emoji_file)), compute)


@pytest.fixture
def changed(emoji_file, tmp_path):
    """Writes the file again with other weights or metadata, and returns it."""

    def write(change, metadata=None, name="changed"):
        header = emoji_file.read_bytes()[: 1 << 20]
        length = struct.unpack("<Q", header[:8])[0]
        notes = json.loads(header[8 : 8 + length])["__metadata__"]
        file = tmp_path / f"{name}.safetensors"
        save_file(change(load_file(emoji_file)), file, {**notes, **(metadata or {})})
        return file

    return write


def same_weights(one, other):
    return all(
        torch.equal(weight, getattr(other, part).state_dict()[name])
        for part in PARTS
        for name, weight in getattr(one, part).state_dict().items()
    )


def test_the_file_is_the_same_model_as_the_folder(emoji_file, emoji):
    info = describe_model(str(emoji_file))
    assert (info.name, info.file) == ("my-emoji", str(emoji_file))
    assert (info.identity, info.aliases[0]) == (emoji.identity, emoji.aliases[0])
    facts = ("preset", "width", "height", "steps", "guidance", "scheduler")
    assert [getattr(info, f) for f in facts] == [getattr(emoji, f) for f in facts]


def test_what_it_predicts_is_in_the_file(emoji_file):
    info = describe_model(str(emoji_file))
    assert (info.prediction, info.zero_terminal_snr, info.unsure) == ("v_prediction", True, ())
    assert {"v_pred", "ztsnr"} <= load_file(emoji_file).keys()


def test_images_of_the_file_equal_those_of_the_folder(
    emoji, emoji_file, emoji_pipeline, from_file, compute
):
    assert same_weights(emoji_pipeline, from_file)
    info = replace(describe_model(str(emoji_file)), steps=2)
    settings = render_settings(info)
    assert settings == render_settings(replace(emoji, steps=2))
    own = render(emoji_pipeline, compute, ITEMS, settings)
    read = render(from_file, compute, ITEMS, settings)
    assert [image.tobytes() for image in own] == [image.tobytes() for image in read]


def test_nothing_is_asked_of_a_hub(emoji_file, compute, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a connection was opened")

    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert load_pipeline(describe_model(str(emoji_file)), compute)


def test_the_tokenizers_of_sdxl_come_with_the_project():
    ids = [49406, 320, 1125, 539, 320, 2368, 49407]
    first, second = (sdxl_tokenizer(number) for number in (0, 1))
    assert len(first) == len(second) == 49408
    options = {"padding": "max_length", "truncation": True}
    assert first("a photo of a cat", **options)["input_ids"] == [*ids, *[49407] * 70]
    assert second("A photo  of a cat", **options)["input_ids"] == [*ids, *[0] * 70]


def test_an_autoencoder_in_any_form_takes_the_place_of_the_files_own(
    emoji_file, changed, compute, tmp_path, emoji_pipeline, from_file
):
    without = changed(lambda w: {k: v for k, v in w.items() if "first_stage" not in k})
    with pytest.raises(BrokenModel, match=r"holds no autoencoder\. Name one with --vae"):
        describe_model(str(without))

    original = {k: v for k, v in load_file(emoji_file).items() if k.startswith("first_stage_model")}
    forms = {
        "with-prefix": original,
        "bare": {k.removeprefix("first_stage_model."): v for k, v in original.items()},
        "diffusers": {k: v.contiguous() for k, v in emoji_pipeline.vae.state_dict().items()},
    }
    for name, weights in forms.items():
        save_file(weights, tmp_path / f"{name}.safetensors")
    emoji_pipeline.vae.save_pretrained(tmp_path / "folder")

    own = from_file.vae.state_dict()
    for vae in (*(f"{name}.safetensors" for name in forms), "folder"):
        info = describe_model(str(without), vae=str(tmp_path / vae))
        assert info.identity == describe_model(str(emoji_file)).identity
        loaded = load_vae(info.vae, from_file.vae.config, torch.float32).state_dict()
        assert all(torch.equal(loaded[name], weight) for name, weight in own.items())
    assert same_weights(load_pipeline(info, compute), from_file)
    assert load_pipeline(describe_model(vae=str(tmp_path / "bare.safetensors")), compute)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_autoencoder_keeps_every_digit_whatever_the_format_of_the_rest(
    kind, emoji_file, from_file
):
    half = Compute(torch.device("cpu"), torch.bfloat16, torch.bfloat16)
    model = describe_model(str(emoji_file)) if kind == "file" else describe_model()
    loaded = load_pipeline(model, half)
    assert loaded.unet.dtype == loaded.text_encoder_2.dtype == torch.bfloat16
    own = from_file.vae.state_dict()
    assert all(torch.equal(own[name], w) for name, w in loaded.vae.state_dict().items())


def test_what_is_no_autoencoder_is_refused(emoji_file, tmp_path):
    with pytest.raises(ModelNotFound, match="no autoencoder at"):
        describe_model(str(emoji_file), vae=str(tmp_path / "none"))
    with pytest.raises(WrongModel, match="is no folder of an autoencoder"):
        describe_model(str(emoji_file), vae=str(tmp_path))
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(WrongModel, match="holds no autoencoder"):
        describe_model(str(emoji_file), vae=str(tmp_path / "a.safetensors"))


def test_a_prediction_that_a_person_chose_is_used(emoji_file, emoji, compute):
    info = describe_model(str(emoji_file), prediction="epsilon")
    assert (info.prediction, info.zero_terminal_snr) == ("epsilon", False)
    config = load_pipeline(info, compute).scheduler.config
    assert (config.prediction_type, config.rescale_betas_zero_snr) == ("epsilon", False)
    folder = describe_model(prediction="epsilon")
    assert (folder.prediction, folder.identity) == ("epsilon", emoji.identity)
    assert load_pipeline(folder, compute).scheduler.config.prediction_type == "epsilon"


def without(part):
    return lambda weights: {k: v for k, v in weights.items() if not k.startswith(part)}


def as_fp8(weights):
    key = "model.diffusion_model.middle_block.0.in_layers.2.weight"
    return weights | {key: weights[key].to(torch.float8_e4m3fn)}


def with_masks(weights):
    key = "model.diffusion_model.input_blocks.0.0.weight"
    return weights | {key: weights[key].repeat(1, 2, 1, 1)[:, :13].contiguous()}


@pytest.mark.parametrize(
    ("change", "metadata", "words"),
    [
        (as_fp8, {}, "stores weights as F8_E4M3.*fp16, bf16 or fp32 file"),
        (with_masks, {}, "13 input channels for latents of 8"),
        (dict, {STORED: "{}"}, "an SDXL model of another shape.*name its diffusers folder"),
        (dict, {STORED: "[1]"}, "holds configurations that cannot be read"),
        (without("conditioner.embedders.1"), {}, "changed.safetensors"),
    ],
    ids=["fp8", "inpainting", "another shape", "no configurations", "no text encoder"],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence(changed, change, metadata, words):
    with pytest.raises((WrongModel, BrokenModel), match=words):
        describe_model(str(changed(change, metadata)))


def test_missing_weights_are_named_before_any_image(changed, compute):
    part = "model.diffusion_model.middle_block.1.proj_in.weight"
    info = describe_model(str(changed(without(part))))
    with pytest.raises(BrokenModel, match=r"lacks 1 weights of the model.s unet, such as mid_"):
        load_pipeline(info, compute)


def test_half_precision_and_other_programs_leftovers_change_nothing(changed, emoji_file, compute):
    def leave(weights):
        more = {"denoiser.sigmas": torch.zeros(3), "model_ema.decay": torch.zeros(1)}
        clip = "conditioner.embedders.0.transformer.text_model.embeddings.position_ids"
        more[clip] = torch.arange(24)[None]
        return {k: v.half() for k, v in weights.items()} | more

    info = describe_model(str(changed(leave)))
    assert info.identity == describe_model(str(emoji_file)).identity
    assert load_pipeline(info, compute)


def test_weights_are_imported_for_a_base_that_is_a_file(emoji_file, emoji, compute, tmp_path):
    base = describe_model(str(emoji_file))
    own = build_empty_unet(emoji).state_dict()
    assert {n: w.shape for n, w in build_empty_unet(base).state_dict().items()} == {
        n: w.shape for n, w in own.items()
    }
    with base_weights(base) as weights, base_weights(emoji) as folder:
        assert weights.keys() == folder.keys()
        assert all(torch.equal(weights[name], folder[name].float()) for name in folder)


def test_a_run_on_the_file_trains_what_a_run_on_the_folder_trains(
    model, pipeline, make_snapshot, tmp_path
):
    file = tmp_path / "small.safetensors"
    write_checkpoint(pipeline, file)
    snapshot, runs = make_snapshot(2, size=64), {}
    settings = {"steps": 1, "train_batch_size": 2, "micro_batch_size": 2, "rank": 2}
    settings |= {"check_prompts": 0, "gradient_checkpointing": "none", "holdout_fraction": 0.0}
    for name in (model.path, str(file)):
        runs[name] = fine_tune(snapshot, tmp_path / f"run{len(runs)}", model=name, **settings)
    own, read = (load_file(run.adapter) for run in runs.values())
    assert own.keys() == read.keys()
    assert all(torch.equal(own[name], read[name]) for name in own)
    assert runs[str(file)].read_config().model.file == str(file)

    # Names of kohya's form follow from the base's configuration.
    exports = [
        export(run.path, tmp_path / f"{run.path.name}.safetensors", "kohya")
        for run in runs.values()
    ]
    assert load_file(exports[0]).keys() == load_file(exports[1]).keys()


def test_a_folder_of_the_file_is_the_same_model_again(from_file, emoji, tmp_path):
    from_file.save_pretrained(tmp_path / "folder")
    again = describe_model(str(tmp_path / "folder"))
    assert (again.identity, again.scheduler) == (emoji.identity, emoji.scheduler)


EDM = {"sigma_min": 0.01, "sigma_max": 70.0, "sigma_data": 0.5}


@pytest.mark.parametrize(
    ("scheduler", "prediction"),
    [
        (EulerDiscreteScheduler(prediction_type="epsilon", timestep_spacing="trailing"), "epsilon"),
        (EDMEulerScheduler(**EDM), None),
        (EDMEulerScheduler(**EDM, prediction_type="v_prediction"), None),
        (FlowMatchEulerDiscreteScheduler(shift=2.0), None),
    ],
    ids=["trailing", "EDM", "EDM and velocity", "flow"],
)
def test_a_schedule_comes_back_as_it_was_written(pipeline, tmp_path, scheduler, prediction):
    other = pipeline.__class__(**pipeline.components | {"scheduler": scheduler})
    file = tmp_path / "other.safetensors"
    write_checkpoint(other, file)
    info = describe_model(str(file))
    assert (info.scheduler, info.prediction) == (type(scheduler).__name__, prediction)
    config = model_config(info, "scheduler/scheduler_config.json")
    expected = {name: value for name, value in scheduler.config.items() if name in config}
    assert expected and {name: config[name] for name in expected} == expected
