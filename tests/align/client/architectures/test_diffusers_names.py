"""Denoisers of diffusers, as its own classes name and shape their weights, are told apart."""

from __future__ import annotations

import pytest
import torch

from align.client.architectures.recognize import recognize

pytestmark = pytest.mark.slow

ONE = {"num_layers": 1}
PAIR = ONE | {"num_single_layers": 1}
SD_3 = ONE | {"joint_attention_dim": 4096}
DENOISERS = {
    "FluxTransformer2DModel": (PAIR | {"guidance_embeds": True}, "FLUX.1"),
    "Flux2Transformer2DModel": (PAIR, "FLUX.2"),
    "SD3Transformer2DModel": (
        SD_3 | {"num_attention_heads": 24, "caption_projection_dim": 1536},
        "Stable Diffusion 3",
    ),
    "AuraFlowTransformer2DModel": (
        {"num_mmdit_layers": 1, "num_single_dit_layers": 1},
        "AuraFlow",
    ),
    "PixArtTransformer2DModel": (ONE, "PixArt"),
    "SanaTransformer2DModel": (ONE, "Sana"),
    "WanTransformer3DModel": (ONE, "Wan"),
    "LTXVideoTransformer3DModel": (ONE, "LTX-Video"),
    "CogVideoXTransformer3DModel": (ONE, "CogVideoX"),
    "CogView4Transformer2DModel": (ONE, "CogView"),
    "HunyuanVideoTransformer3DModel": (PAIR, "HunyuanVideo"),
    "HunyuanImageTransformer2DModel": (PAIR, "HunyuanImage"),
    "Lumina2Transformer2DModel": (ONE, "Lumina"),
    "ZImageTransformer2DModel": ({"n_layers": 1}, "Z-Image"),
    "QwenImageTransformer2DModel": (ONE, "Qwen-Image"),
    "MochiTransformer3DModel": (ONE, "Mochi"),
    "CosmosTransformer3DModel": (ONE, "Cosmos"),
    "Krea2Transformer2DModel": (ONE, "Krea 2"),
    "StableCascadeUNet": ({}, "Stable Cascade"),
}


@pytest.mark.parametrize(("kind", "config", "name"), [(k, *v) for k, v in DENOISERS.items()])
def test_a_denoiser_of_diffusers_is_told_by_its_own_names(kind, config, name):
    import diffusers  # noqa: PLC0415  only slow tests may

    with torch.device("meta"):
        denoiser = getattr(diffusers, kind)(**config)
    shapes = {key: tuple(weight.shape) for key, weight in denoiser.state_dict().items()}
    found = recognize(shapes).architecture
    assert found is not None
    assert found.name == name
