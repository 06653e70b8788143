"""Noise and timesteps by a counter-based key: the same in any order, batch, process or run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

GOLDEN_RATIO = 0.6180339887498949
"""Multiples of it modulo 1 fill the interval evenly, however many there are."""


def sample_noise(
    seed: int, pair: str, index: int, shape: tuple[int, ...], timesteps: int, floor: float = 0.0
) -> tuple[Tensor, int]:
    """Sample noise of `shape` and one timestep: number `index` of a pair's sequence.

    Equal keys give equal noise samples in any order, batch, process or run. A pair's timesteps
    follow a golden-ratio sequence from a start of its own: uniform from floor x timesteps up to
    timesteps - 1, never clumped.
    """
    start = hashed_uniform(seed, pair, "start")
    level = floor + (1 - floor) * ((start + index * GOLDEN_RATIO) % 1.0)
    timestep = int(level * timesteps)
    generator = torch.Generator().manual_seed(counter_key(seed, pair, index))
    return torch.randn(shape, generator=generator), timestep


@lru_cache(maxsize=2)
def epoch_order(seed: int, epoch: int, count: int) -> Sequence[int]:
    """Return the order in which an epoch visits `count` pairs.

    That of the present epoch is kept: to order a million pairs takes a tenth of a second.
    """
    generator = torch.Generator().manual_seed(counter_key(seed, "order", epoch))
    return tuple(torch.randperm(count, generator=generator).tolist())


def counter_key(*parts: object) -> int:
    """Hash these parts to a seed of 63 bits, the same on every machine."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") & (2**63 - 1)


def hashed_uniform(*parts: object) -> float:
    """Hash these parts to a number in 0..1, uniformly."""
    return counter_key(*parts) / 2**63
