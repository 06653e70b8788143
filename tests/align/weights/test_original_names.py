"""The published names of SDXL's weights map whole to those of diffusers, and back."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from align.client.single_file.configs import sdxl_config
from align.client.single_file.names import (
    PREFIXES,
    SDXL_LAYOUT,
    layout_of,
    part_names,
    pieces_of,
)
from align.weights.original_names import TEXT_PREFIX, from_original, layout_of_configs, to_original

pytestmark = pytest.mark.slow

LIST = Path(__file__).parent / "sdxl_published_names.txt.gz"
"""Written by tests/bench/published_names.py."""
UNUSED = "conditioner.embedders.1.model.logit_scale"
"""What compares texts with images in CLIP; no text encoder of diffusers has it."""


@pytest.fixture(scope="module")
def published():
    lines = gzip.decompress(LIST.read_bytes()).decode().splitlines()
    shapes = (re.fullmatch(r"(\S+) \[(.*)\]", line).groups() for line in lines)
    return {name: tuple(map(int, filter(None, shape.split(", ")))) for name, shape in shapes}


@pytest.fixture(scope="module")
def parts():
    """SDXL's networks as diffusers and transformers have them, without weights."""
    configs = {part: sdxl_config(f"{part}/config.json") for part in PREFIXES}
    texts = {part: CLIPTextConfig(**configs[part]) for part in ("text_encoder", "text_encoder_2")}
    with torch.device("meta"):
        return {
            "unet": UNet2DConditionModel.from_config(configs["unet"]).state_dict(),
            "vae": AutoencoderKL.from_config(configs["vae"]).state_dict(),
            "text_encoder": CLIPTextModel(texts["text_encoder"]).state_dict(),
            "text_encoder_2": CLIPTextModelWithProjection(texts["text_encoder_2"]).state_dict(),
        }


def as_published(part, name):
    is_text = part.startswith("text_encoder") and not name.startswith("text_projection")
    return f"{TEXT_PREFIX}{name.removeprefix(TEXT_PREFIX)}" if is_text else name


def shapes_of(weights):
    return {name: tuple(weight.shape) for name, weight in weights.items()}


def test_the_published_list_is_that_of_sdxl(published):
    counts = {part: sum(n.startswith(p) for n in published) for part, p in PREFIXES.items()}
    assert counts == {"unet": 1680, "vae": 248, "text_encoder": 196, "text_encoder_2": 390}
    assert layout_of(published) == SDXL_LAYOUT


def test_every_published_weight_is_one_of_diffusers(published, parts):
    names = part_names(SDXL_LAYOUT)
    for part, prefix in PREFIXES.items():
        mapped = {}
        for key, shape in published.items():
            if key.startswith(prefix) and key != UNUSED:
                pieces = pieces_of(part, key, names[part])
                mapped |= {name: piece.shape(shape) for name, piece in pieces.items()}
        expected = {as_published(part, n): s for n, s in shapes_of(parts[part]).items()}
        assert mapped == expected


def test_every_weight_of_diffusers_is_a_published_one(published, parts):
    written = shapes_of(to_original(parts, SDXL_LAYOUT))
    assert written == {name: shape for name, shape in published.items() if name != UNUSED}


def test_diffusers_reads_what_is_written(parts):
    written = to_original(parts, SDXL_LAYOUT)
    unet = convert_ldm_unet_checkpoint(written, sdxl_config("unet/config.json"))
    assert shapes_of(unet) == shapes_of(parts["unet"])
    vae = convert_ldm_vae_checkpoint(written, sdxl_config("vae/config.json"))
    assert shapes_of(vae) == shapes_of(parts["vae"])


def test_weights_come_back_as_they_went(emoji_pipeline):
    configs = {part: dict(getattr(emoji_pipeline, part).config) for part in ("unet", "vae")}
    configs["text_encoder_2"] = emoji_pipeline.text_encoder_2.config.to_dict()
    parts = {part: getattr(emoji_pipeline, part).state_dict() for part in PREFIXES}
    layout = layout_of_configs(configs)
    written = to_original(parts, layout)
    assert layout_of(written) == layout
    names = part_names(layout)
    for part, prefix in PREFIXES.items():
        pieces = {}
        for key in written:
            if key.startswith(prefix):
                pieces |= pieces_of(part, key, names[part])
        read = from_original(pieces, written)
        own = {as_published(part, name): weight for name, weight in parts[part].items()}
        assert read.keys() == own.keys()
        assert all(torch.equal(read[name], weight) for name, weight in own.items())


def test_a_fused_matrix_holds_query_key_and_value_in_turn(parts):
    layer = "text_model.encoder.layers.3.self_attn."
    weights = {f"{layer}{k}_proj.bias": torch.full((2,), n) for n, k in enumerate("qkv")}
    key = "conditioner.embedders.1.model.transformer.resblocks.3.attn.in_proj_bias"
    written = to_original({"text_encoder_2": weights}, SDXL_LAYOUT)
    assert {n: w.tolist() for n, w in written.items()} == {key: [0, 0, 1, 1, 2, 2]}
    names = part_names(SDXL_LAYOUT)["text_encoder_2"]
    read = from_original(pieces_of("text_encoder_2", key, names), written)
    assert {name: weight.tolist() for name, weight in read.items()} == {
        name: weight.tolist() for name, weight in weights.items()
    }
