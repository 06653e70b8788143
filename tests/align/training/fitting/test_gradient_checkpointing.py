"""Recomputed blocks keep less and change nothing."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from align.adapters.lora import add_lora
from align.families.sdxl import SDXL
from align.training.fitting.gradient_checkpointing import (
    checkpointed_modules,
    largest_blocks,
    recompute,
)
from align.training.fitting.memory_model import checkpointed_blocks_by_shape, saved_bytes
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unet(model, compute):
    unet = load_pipeline(model, compute).unet.requires_grad_(False)
    with torch.no_grad():
        for parameter in add_lora(unet, rank=2, seed=0):
            parameter.add_(0.02)
    return unet.train()


@pytest.fixture(scope="module")
def inputs(unet):
    torch.manual_seed(0)
    pooled = unet.config.projection_class_embeddings_input_dim
    pooled -= 6 * unet.config.addition_time_embed_dim
    return {
        "sample": torch.randn(2, unet.config.in_channels, 16, 16),
        "timestep": torch.tensor([500, 900]),
        "encoder_hidden_states": torch.randn(2, 24, unet.config.cross_attention_dim),
        "added_cond_kwargs": {
            "text_embeds": torch.randn(2, pooled),
            "time_ids": torch.full((2, 6), 128.0),
        },
    }


def gradients(unet, inputs) -> list[torch.Tensor]:
    unet.zero_grad(set_to_none=True)
    unet(**inputs).sample.square().mean().backward()
    return [p.grad.clone() for p in unet.parameters() if p.requires_grad]


def test_gradients_are_the_same_and_some_keeps_between_none_and_all(unet, inputs):
    kept, learned = {}, {}
    for again in ("none", "some", "all"):
        recompute(unet, checkpointed_blocks_by_shape(SDXL, again, dict(unet.config), 128, 2))
        kept[again] = saved_bytes(unet, inputs)
        learned[again] = gradients(unet, inputs)
    assert kept["all"] < 0.8 * kept["some"] < 0.8 * 0.8 * kept["none"]
    assert any(gradient.abs().max() > 0 for gradient in learned["none"])
    assert_close(learned["some"], learned["none"], rtol=1e-5, atol=1e-9)
    assert_close(learned["all"], learned["none"], rtol=1e-5, atol=1e-9)


def test_some_recomputes_the_largest_blocks_alone_and_can_be_taken_back(unet):
    chosen = checkpointed_blocks_by_shape(SDXL, "some", dict(unet.config), 128, 2)
    assert 0 < len(chosen) < len(SDXL.block_names(unet))
    recompute(unet, chosen)
    inside = {name for name, part in unet.named_modules() if part in checkpointed_modules(unet)}
    assert inside and all(name.startswith(tuple(chosen)) for name in inside)
    recompute(unet, [])
    assert checkpointed_modules(unet) == []


def test_the_fewest_blocks_that_make_half_are_the_heaviest():
    assert largest_blocks({"a": 1, "b": 5, "c": 3}) == ["b"]
    assert largest_blocks({"a": 4, "b": 3, "c": 3}) == ["a", "b"]
    assert largest_blocks({}) == []
