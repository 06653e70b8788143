"""Noise and timesteps: drawn from a counter, so that they depend on nothing but their key.

Shapes: B pictures, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import hashlib

import torch
from diffusers import DDPMScheduler, SchedulerMixin
from torch import Tensor

GOLDEN_RATIO = 0.6180339887498949


def draw(
    seed: int, pair: str, index: int, shape: tuple[int, ...], timesteps: int, floor: float = 0.0
) -> tuple[Tensor, int]:
    """Noise of `shape` and one timestep for draw number `index` of a pair.

    Equal keys give equal draws in any order, batch, process or run. A pair's timesteps follow a
    golden-ratio sequence from a start of its own: uniform from floor x timesteps up to timesteps-1,
    never clumped.
    """
    start = counter_key(seed, pair, "start") / 2**63
    level = floor + (1 - floor) * ((start + index * GOLDEN_RATIO) % 1.0)
    timestep = int(level * timesteps)
    generator = torch.Generator().manual_seed(counter_key(seed, pair, index))
    return torch.randn(shape, generator=generator), timestep


def shuffled(seed: int, epoch: int, count: int) -> list[int]:
    """The order in which an epoch visits `count` pairs."""
    generator = torch.Generator().manual_seed(counter_key(seed, "order", epoch))
    return torch.randperm(count, generator=generator).tolist()


def counter_key(*parts: object) -> int:
    """A seed of 63 bits that depends on these parts alone, the same on every machine."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") & (2**63 - 1)


def training_scheduler(pipeline_scheduler: SchedulerMixin) -> DDPMScheduler:
    """The pipeline's own noise schedule and prediction type, as a scheduler to train with."""
    return DDPMScheduler.from_config(pipeline_scheduler.config)


def corrupt(
    scheduler: DDPMScheduler, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor
) -> tuple[Tensor, Tensor]:
    """Noisy latents x_t = √ᾱ x₀ + √(1-ᾱ) ε, and what the network should predict for them."""
    noisy_BCHW = scheduler.add_noise(latents_BCHW, noise_BCHW, timesteps_B)
    if scheduler.config.prediction_type == "v_prediction":
        return noisy_BCHW, scheduler.get_velocity(latents_BCHW, noise_BCHW, timesteps_B)
    return noisy_BCHW, noise_BCHW
