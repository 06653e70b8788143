"""Which pairs a step sees, and the tensors the UNet is given for them.

Shapes: B pairs, C latent channels, H x W latent pixels.
The first half of every doubled batch (2B) is the chosen images, the second the rejected ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from align.data.encode import EncodedPairs
from align.data.latent_cache import content_key
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.noise import (
    TrainingScheduler,
    corrupt,
    epoch_order,
    hashed_uniform,
    network_timesteps,
    sample_noise,
    usable_timesteps,
)
from align.families.family import Conditioning, ModelFamily


@dataclass(frozen=True)
class NoiseSample:
    """NoiseSample number `index` of the pair in row `row`."""

    row: int
    index: int
    bare: bool = False
    """Whether the UNet is shown no prompt, as on the unconditional side of guidance."""
    anchor: bool = False
    """Whether it teaches no preference, only to denoise both images as well as the base does."""


def noise_samples_of_step(
    step: int, train_batch_size: int, count: int, seed: int, samples: int = 2**62
) -> list[NoiseSample]:
    """The samples of an optimizer step: endless epochs over `count` pairs, each shuffled anew.

    A pair's draw number is the epoch, from 0 again after `samples` of them, so a step depends on
    (seed, step) and nothing before it.
    """
    positions = range(step * train_batch_size, (step + 1) * train_batch_size)
    orders = {epoch: epoch_order(seed, epoch, count) for epoch in {p // count for p in positions}}
    return [NoiseSample(orders[p // count][p % count], p // count % samples) for p in positions]


@dataclass(frozen=True)
class NoisyPairs:
    """What the denoiser sees of B pairs, and what it should predict."""

    family: ModelFamily
    noisy_BCHW: Tensor
    target_BCHW: Tensor
    timesteps_B: Tensor
    conditioning: Conditioning


@dataclass(frozen=True)
class Labels:
    """What people said of B pairs, see `align.diffusion.losses.PairErrors`."""

    share_B: Tensor
    weight_B: Tensor
    trust_B: Tensor
    """How much the votes of each pair's voter count, see `align.data.snapshot.PreferencePair`."""
    liked_2B: Tensor


class Batcher:
    """Builds noisy pairs from encoded ones; noise and timestep are shared within a pair."""

    def __init__(
        self,
        data: EncodedPairs,
        scheduler: TrainingScheduler,
        compute: Compute,
        seed: int,
        floor: float,
    ) -> None:
        self._data = data
        self._scheduler = scheduler
        self._compute = compute
        self._seed = seed
        self._floor = floor

    def build(self, samples: list[NoiseSample]) -> NoisyPairs:
        """The doubled batch of these samples, on the device."""
        data, device = self._data, self._compute.device
        rows = torch.tensor([d.row for d in samples])
        noise_BCHW, timesteps_B = self._noise(samples)
        latents_BCHW = torch.cat([data.latents_NCHW[data.chosen[rows]],
                                  data.latents_NCHW[data.rejected[rows]]])  # fmt: skip
        noisy_BCHW, target_BCHW = corrupt(self._scheduler, latents_BCHW, noise_BCHW, timesteps_B)
        bare = torch.tensor([d.bare for d in samples])
        prompts = torch.where(bare, len(data.texts) - 1, data.prompt[rows]).repeat(2)
        conditioned = data.family.with_size(data.texts.rows(prompts), data.size_facts)
        weights = self._compute.weights
        return NoisyPairs(
            family=data.family,
            noisy_BCHW=noisy_BCHW.to(device, weights),
            target_BCHW=target_BCHW.to(device),
            timesteps_B=network_timesteps(self._scheduler, timesteps_B).to(device),
            conditioning=conditioned.to(device, weights),
        )

    def assign_roles(
        self, samples: list[NoiseSample], bare: float, anchor: float
    ) -> list[NoiseSample]:
        """These samples, shares of them without prompt and as anchors, always the same ones."""

        def hit(d: NoiseSample, what: str, share: float) -> bool:
            return hashed_uniform(self._seed, self._data.keys[d.row], d.index, what) < share

        return [
            replace(d, bare=hit(d, "bare", bare), anchor=hit(d, "anchor", anchor)) for d in samples
        ]

    def labels(self, samples: list[NoiseSample]) -> Labels:
        """What people said of the pairs of these samples, on the device."""
        data, device = self._data, self._compute.device
        rows = torch.tensor([d.row for d in samples])
        return Labels(
            share_B=data.share_N[rows].to(device),
            weight_B=data.weight_N[rows].to(device),
            trust_B=data.trust_N[rows].to(device),
            liked_2B=data.liked_2N[:, rows].flatten().to(device),
        )

    def keys(self, samples: list[NoiseSample]) -> list[str]:
        """What each draw's errors depend on, besides the network: content, noise and timestep."""
        data = self._data
        schedule = tuple(sorted((k, str(v)) for k, v in self._scheduler.config.items()))
        return [
            content_key(data.contents[d.row], data.keys[d.row], d.index, self._seed, self._floor,
                        data.size_facts.tolist(), schedule, *(["bare"] if d.bare else []))
            for d in samples
        ]  # fmt: skip

    def _noise(self, samples: list[NoiseSample]) -> tuple[Tensor, Tensor]:
        shape = tuple(self._data.latents_NCHW.shape[1:])
        count = usable_timesteps(self._scheduler)
        noise_samples = [
            sample_noise(self._seed, self._data.keys[d.row], d.index, shape, count, self._floor)
            for d in samples
        ]
        noise_BCHW = torch.stack([noise for noise, _ in noise_samples]).repeat(2, 1, 1, 1)
        return noise_BCHW, torch.tensor([timestep for _, timestep in noise_samples]).repeat(2)


def pair_errors(
    unet: torch.nn.Module, pairs: NoisyPairs, compute: Compute
) -> tuple[Tensor, Tensor]:
    """Denoising errors (chosen_B, rejected_B), from one forward pass over both."""
    with compute.autocasting():
        predicted_BCHW = pairs.family.predict(
            unet, pairs.noisy_BCHW, pairs.timesteps_B, pairs.conditioning
        )
    chosen_B, rejected_B = denoising_error(predicted_BCHW, pairs.target_BCHW).chunk(2)
    return chosen_B, rejected_B
