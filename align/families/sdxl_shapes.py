"""SDXL's networks by shape, to count memory with, and its autoencoder in tiles.

Shapes: B images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import copy

import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor

from align.contracts.image_sizes import Size
from align.families.family import DenoiserInputs

PIXELS_PER_LATENT = 8
"""Downsampling factor of the published autoencoder."""
TILE = 512
"""Sides of tiles in pixels. The published autoencoder has 1024, as large as its images are."""


def unet_inputs(
    unet: UNet2DConditionModel, size: Size, images: int, dtype: torch.dtype, tokens: int
) -> DenoiserInputs:
    """Return the arguments of the UNet's forward pass, uninitialized, on torch's default device."""
    config = unet.config
    width, height = (side // PIXELS_PER_LATENT for side in size)
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    return {
        "sample": torch.empty(images, config.in_channels, height, width, dtype=dtype),
        "timestep": torch.empty(images, dtype=torch.int64),
        "encoder_hidden_states": torch.empty(
            images, tokens, config.cross_attention_dim, dtype=dtype
        ),
        "added_cond_kwargs": {
            "text_embeds": torch.empty(images, pooled, dtype=dtype),
            "time_ids": torch.empty(images, 6, dtype=dtype),
        },
    }


def with_new_autoencoder(
    pipeline: StableDiffusionXLPipeline, size: Size, images: int
) -> tuple[StableDiffusionXLPipeline, Tensor]:
    """Return a copy with a VAE built anew on torch's default device, and latents_BCHW for it."""
    own, config = copy.copy(pipeline), pipeline.vae.config
    own.vae = type(pipeline.vae).from_config(dict(config))
    width, height = (side // pixels_per_latent(pipeline.vae) for side in size)
    return own, torch.empty(images, config.latent_channels, height, width)


def tile(vae: AutoencoderKL, tiled: bool) -> None:
    """Switch tiles of a VAE on or off."""
    vae.use_tiling = tiled
    vae.tile_sample_min_size, vae.tile_latent_min_size = TILE, TILE // pixels_per_latent(vae)


def pixels_per_latent(vae: AutoencoderKL) -> int:
    """Return the downsampling factor of a VAE: one less than its levels, each of which halves."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))
