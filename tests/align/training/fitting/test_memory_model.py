"""Memory by shape, against the same count on real tensors, and on SDXL's own shape."""

from __future__ import annotations

import pytest
import torch

from align.adapters.lora import add_lora
from align.families.sdxl import SDXL, SDXL_UNET
from align.training.fitting.memory_model import plan_memory, saved_bytes
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


def test_the_count_by_shape_is_the_count_on_real_tensors(model, compute):
    unet = load_pipeline(model, compute).unet
    planned = plan_memory(
        SDXL,
        dict(unet.config),
        128,
        2,
        rank=4,
        checkpointing="none",
        dtype=torch.float32,
        tokens=24,
    )
    assert planned.weights == sum(p.numel() * 4 for p in unet.parameters())
    parameters = add_lora(unet, 4, 0)
    assert planned.adapter == 16 * sum(p.numel() for p in parameters)
    width = unet.config.cross_attention_dim
    pooled = unet.config.projection_class_embeddings_input_dim
    pooled -= 6 * unet.config.addition_time_embed_dim
    inputs = {
        "sample": torch.zeros(4, unet.config.in_channels, 16, 16),
        "timestep": torch.zeros(4, dtype=torch.int64),
        "encoder_hidden_states": torch.zeros(4, 24, width),
        "added_cond_kwargs": {
            "text_embeds": torch.zeros(4, pooled),
            "time_ids": torch.zeros(4, 6),
        },
    }
    assert planned.activations == pytest.approx(saved_bytes(unet, inputs), rel=0.1)


def test_twice_the_pairs_keep_twice_the_activations_and_checkpointing_far_fewer(pipeline):
    config = dict(pipeline.unet.config)
    one, two = (plan_memory(SDXL, config, 128, pairs, 4, "none", tokens=24) for pairs in (1, 2))
    assert two.activations == pytest.approx(2 * one.activations, rel=0.05)
    assert (two.weights, two.adapter) == (one.weights, one.adapter)
    everything = plan_memory(SDXL, config, 128, 2, 4, "all", tokens=24)
    assert everything.activations < two.activations / 2
    some = plan_memory(SDXL, config, 128, 2, 4, "some", tokens=24)
    assert everything.activations < some.activations < 0.75 * two.activations


def test_sdxl_has_the_weights_that_were_published():
    planned = plan_memory(SDXL, SDXL_UNET, 256, 1, rank=8, checkpointing="all")
    assert planned.weights == pytest.approx(2 * 2.567e9, rel=1e-3)
    assert planned.adapter == 16 * 8 * 1_451_520
