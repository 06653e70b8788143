"""Latents between the autoencoder and the UNet, as diffusers' own pipeline scales them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from align.data.buckets import SizedImage
from align.data.encode import encode_images, keys_of_images
from align.families.latent_scaling import from_unet, to_unet
from align.sampling.render import decode

pytestmark = pytest.mark.slow


@pytest.fixture
def shifted(pipeline):
    """The pipeline with an autoencoder that knows the statistics of its latents."""
    channels = pipeline.vae.config.latent_channels
    mean, deviation = [0.1 * n for n in range(channels)], [1.0 + n for n in range(channels)]
    pipeline.vae.register_to_config(latents_mean=mean, latents_std=deviation)
    yield pipeline
    pipeline.vae.register_to_config(latents_mean=None, latents_std=None)


def test_there_and_back_gives_the_same_latents(pipeline, shifted):
    latents = torch.randn(2, shifted.vae.config.latent_channels, 4, 4)
    back = from_unet(shifted.vae, to_unet(shifted.vae, latents))
    assert torch.allclose(back, latents, atol=1e-6)


def test_images_are_decoded_from_what_the_autoencoder_knows(shifted, compute):
    latents, config = torch.randn(1, shifted.vae.config.latent_channels, 16, 16), shifted.vae.config
    mean = torch.tensor(config.latents_mean).view(1, -1, 1, 1)
    deviation = torch.tensor(config.latents_std).view(1, -1, 1, 1)
    with torch.inference_mode():
        # In the order of StableDiffusionXLPipeline, which takes four channels only.
        own = latents * deviation / config.scaling_factor + mean
        images = shifted.image_processor.postprocess(shifted.vae.decode(own).sample)
    assert np.array_equal(np.asarray(images[0]), np.asarray(decode(shifted, compute, latents)[0]))


def test_images_are_encoded_to_what_decodes_to_them(shifted, compute, make_snapshot):
    files = sorted(make_snapshot(1).glob("images/*.png"))
    encoded = encode_images(shifted, compute, files, (128, 128))
    config = shifted.vae.config
    shape = (1, -1, 1, 1)
    mean = torch.tensor(config.latents_mean).view(shape)
    deviation = torch.tensor(config.latents_std).view(shape)
    shifted.vae.register_to_config(latents_mean=None, latents_std=None)
    plain = encode_images(shifted, compute, files, (128, 128)) / config.scaling_factor
    assert torch.allclose(encoded, (plain - mean) / deviation * config.scaling_factor, atol=1e-6)


def test_latents_of_other_statistics_are_not_taken_from_the_cache(shifted, compute, make_snapshot):
    files = sorted(make_snapshot(1).glob("images/*.png"))
    images = [SizedImage((128, 128), file) for file in files]
    before = keys_of_images(shifted, compute, images)
    shifted.vae.register_to_config(latents_mean=None, latents_std=None)
    assert set(before.values()).isdisjoint(keys_of_images(shifted, compute, images).values())
