"""Checkpoints of SDXL's size are told by their headers; the weights below are holes in a file."""

from __future__ import annotations

import gzip
import json
import math
import re
import struct
import time
from pathlib import Path

import pytest

from align.client.models import describe_model
from align.client.single_file.checkpoint import open_checkpoint
from align.client.single_file.model_config import model_config
from align.errors import BrokenModel, WrongModel

pytestmark = pytest.mark.slow

LIST = Path(__file__).parents[2] / "weights" / "sdxl_published_names.txt.gz"
UNET = "model.diffusion_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
BITS = {"F16": 16, "F32": 32, "F8_E4M3": 8}
EDM = {"edm_mean": (1, 4, 1, 1), "edm_std": (1, 4, 1, 1)}


@pytest.fixture(scope="module")
def published():
    lines = gzip.decompress(LIST.read_bytes()).decode().splitlines()
    shapes = (re.fullmatch(r"(\S+) \[(.*)\]", line).groups() for line in lines)
    return {name: tuple(map(int, filter(None, shape.split(", ")))) for name, shape in shapes}


def write_sparse(file, shapes, metadata=None, dtype="F16"):
    """Write a safetensors file of zeros that takes no room on the disk."""
    header, place = {"__metadata__": metadata or {}}, 0
    for name, shape in shapes.items():
        size = math.prod(shape) * BITS[dtype] // 8
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + place)
    return file


def test_a_checkpoint_of_sdxl_needs_no_configurations(published, tmp_path):
    file = write_sparse(tmp_path / "juggernautXL_v9.safetensors", published)
    info = describe_model(str(file))
    assert (info.preset, info.width, info.height) == ("sdxl", 1024, 1024)
    assert (info.steps, info.guidance, info.scheduler) == (30, 5.0, "EulerDiscreteScheduler")
    assert (info.prediction, info.unsure) == ("epsilon", ("prediction", "steps"))


@pytest.mark.parametrize(
    ("name", "extra", "metadata", "expected"),
    [
        ("a", {"v_pred": (0,), "ztsnr": (0,)}, {}, ("v_prediction", True, "trailing")),
        ("a", {"v_pred": (0,)}, {}, ("v_prediction", False, "leading")),
        ("a", {}, {"modelspec.prediction_type": "v"}, ("v_prediction", True, "trailing")),
        ("a", {}, {"modelspec.prediction_type": "epsilon"}, ("epsilon", False, "leading")),
        ("noobai_vpred", {}, {}, ("v_prediction", True, "trailing")),
    ],
)
def test_its_schedule_follows_from_what_it_predicts(
    published, tmp_path, name, extra, metadata, expected
):
    file = write_sparse(tmp_path / f"{name}.safetensors", published | extra, metadata)
    config = open_checkpoint(file).scheduler(None)
    found = (config["prediction_type"], bool(config.get("rescale_betas_zero_snr")))
    assert (*found, config["timestep_spacing"]) == expected


def test_an_edm_model_has_its_own_schedule_and_statistics(published, tmp_path):
    file = write_sparse(tmp_path / "playground.safetensors", published | EDM)
    checkpoint = open_checkpoint(file)
    scheduler, vae = checkpoint.scheduler(None), checkpoint.config("vae/config.json")
    assert scheduler["_class_name"] == "EDMDPMSolverMultistepScheduler"
    assert (vae["scaling_factor"], vae["latents_mean"]) == (0.5, [0.0] * 4)
    cosxl = published | {"edm_vpred.sigma_max": (), "edm_vpred.sigma_min": ()}
    scheduler = open_checkpoint(write_sparse(tmp_path / "c.safetensors", cosxl)).scheduler(None)
    assert (scheduler["_class_name"], scheduler["sigma_max"]) == ("EDMEulerScheduler", 0.0)


def test_an_edm_file_takes_what_it_predicts_and_refuses_any_other_choice(published, tmp_path):
    file = str(write_sparse(tmp_path / "playground.safetensors", published | EDM))
    assert describe_model(file, prediction="epsilon") == describe_model(file)
    with pytest.raises(WrongModel, match=r"predicts epsilon by its .* 'v_prediction'\. Leave"):
        describe_model(file, prediction="v_prediction")


@pytest.mark.parametrize(
    ("name", "ours"),
    [("out.2.bias", "conv_out.bias"), ("middle_block.0.in_layers.2.weight", "mid_block.resnets.0")],
)
def test_a_file_that_lacks_weights_of_its_unet_is_refused_unloaded(published, tmp_path, name, ours):
    shapes = {key: shape for key, shape in published.items() if key != UNET + name}
    file = write_sparse(tmp_path / "a.safetensors", shapes)
    with pytest.raises(BrokenModel, match=rf"lacks 1 weights of the model.s unet, such as {ours}"):
        describe_model(str(file))


@pytest.mark.parametrize(
    ("change", "dtype", "words"),
    [
        ({FIRST: (320, 9, 3, 3)}, "F16", "is a checkpoint of SDXL inpainting"),
        ({FIRST: (320, 8, 3, 3)}, "F16", "is a checkpoint of SDXL instruct-pix2pix"),
        ({}, "F8_E4M3", r"in 8 bits \(fp8\), which is too coarse to train from"),
        (None, "F16", "another shape than the published one: transformer layers per block"),
    ],
    ids=["inpainting", "editing", "fp8", "pruned"],
)
def test_what_cannot_be_opened_is_refused_within_two_seconds(
    published, tmp_path, change, dtype, words
):
    pruned = {n: s for n, s in published.items() if ".1.transformer_blocks.1." not in n}
    shapes = pruned if change is None else published | change
    file = write_sparse(tmp_path / "a.safetensors", shapes, dtype=dtype)
    began = time.perf_counter()
    with pytest.raises(WrongModel, match=words):
        describe_model(str(file))
    assert time.perf_counter() - began < 2


def test_configurations_of_a_file_are_read_as_those_of_a_folder(published, tmp_path):
    file = write_sparse(tmp_path / "a.safetensors", published)
    info = describe_model(str(file), prediction="v")
    assert model_config(info, "unet/config.json")["cross_attention_dim"] == 2048
    assert model_config(info, "scheduler/scheduler_config.json")["rescale_betas_zero_snr"]
    assert info.preset == "sdxl-v"
