"""Batches of noisy pairs: the noise samples of a step, and the tensors the network is given.

Shapes: B pairs, C latent channels, H x W latent pixels.
The first half of every doubled batch (2B) is the chosen images, the second the rejected ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from align.contracts.image_sizes import Size
from align.data.encode import EncodedPairs
from align.data.latent_cache import content_key
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.noise import epoch_order, hashed_uniform, sample_noise
from align.diffusion.schedules import (
    TrainingScheduler,
    corrupt,
    network_timesteps,
    usable_timesteps,
)
from align.families.conditioning import Conditioning
from align.families.family import ModelFamily


@dataclass(frozen=True)
class NoiseSample:
    """One timestep and its noise for the pair in row `row`: number `index` of its sequence."""

    row: int
    index: int
    unconditional: bool = False
    """True where the network is shown no prompt, as on that side of classifier-free guidance."""
    anchor: bool = False
    """True where it teaches no preference, only to denoise both images as well as the base does."""


def noise_samples_of_step(
    step: int, train_batch_size: int, count: int, seed: int, samples_per_pair: int = 2**62
) -> list[NoiseSample]:
    """Return the noise samples of an optimizer step: endless epochs over `count` pairs, shuffled.

    The index of a noise sample is its epoch, from 0 again after `samples_per_pair` of them, so a
    step depends on (seed, step) and on nothing before it.
    """
    positions = range(step * train_batch_size, (step + 1) * train_batch_size)
    orders = {epoch: epoch_order(seed, epoch, count) for epoch in {p // count for p in positions}}
    return [
        NoiseSample(orders[p // count][p % count], p // count % samples_per_pair) for p in positions
    ]


@dataclass(frozen=True)
class NoisyPairs:
    """The inputs and targets of the network for B pairs, chosen images first: [2B, ...]."""

    family: ModelFamily
    noisy_BCHW: Tensor
    target_BCHW: Tensor
    timesteps_B: Tensor
    conditioning: Conditioning


@dataclass(frozen=True)
class Labels:
    """The votes on B pairs, see `align.diffusion.losses.PairErrors`."""

    share_B: Tensor
    weight_B: Tensor
    trust_B: Tensor
    """Weight of each pair's voter, in 0..1, see `align.data.snapshot.PreferencePair`."""
    liked_2B: Tensor


class Batcher:
    """Builds noisy pairs from encoded ones.

    Both images of a pair share noise and timestep, as in Diffusion-DPO: with separate ones the
    difference of their errors would be mostly noise.
    """

    def __init__(
        self,
        data: EncodedPairs,
        scheduler: TrainingScheduler,
        compute: Compute,
        seed: int,
        min_timestep_fraction: float,
    ) -> None:
        self._data = data
        self._scheduler = scheduler
        self._compute = compute
        self._seed = seed
        self._min_fraction = min_timestep_fraction

    def micro_batches(self, samples: list[NoiseSample], most: int) -> list[list[NoiseSample]]:
        """Cut noise samples into groups of at most `most` pairs, all of one size."""
        by_size: dict[Size, list[NoiseSample]] = {}
        for sample in samples:
            by_size.setdefault(self._data.sizes[sample.row], []).append(sample)
        return [
            group[start : start + most]
            for group in by_size.values()
            for start in range(0, len(group), most)
        ]

    def build(self, samples: list[NoiseSample]) -> NoisyPairs:
        """Build the doubled batch of these noise samples of one size, on the device."""
        rows = torch.tensor([sample.row for sample in samples])
        no_prompt = torch.tensor([sample.unconditional for sample in samples])
        return self.build_noisy(rows, *self._noise(samples), no_prompt)

    def build_noisy(
        self, rows: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor, no_prompt: Tensor
    ) -> NoisyPairs:
        """Build the doubled batch of pairs of one size with this noise, doubled as well."""
        data, device = self._data, self._compute.device
        images = torch.cat([data.chosen[rows], data.rejected[rows]])
        latents_BCHW = torch.stack([data.latents[image] for image in images.tolist()])
        noisy_BCHW, target_BCHW = corrupt(self._scheduler, latents_BCHW, noise_BCHW, timesteps_B)

        # The last row of the texts is that of no prompt.
        prompts = torch.where(no_prompt, len(data.texts) - 1, data.prompt[rows]).repeat(2)
        conditioned = data.family.with_size(data.texts.rows(prompts), data.size_facts[images])
        weights = self._compute.weights
        return NoisyPairs(
            family=data.family,
            noisy_BCHW=noisy_BCHW.to(device, weights),
            target_BCHW=target_BCHW.to(device),
            timesteps_B=network_timesteps(self._scheduler, timesteps_B).to(device),
            conditioning=conditioned.to(device, weights),
        )

    def assign_roles(
        self, samples: list[NoiseSample], prompt_dropout: float, anchor_fraction: float
    ) -> list[NoiseSample]:
        """Mark shares of them as unconditional and as anchors, always the same noise samples."""

        def selected(sample: NoiseSample, role: str, share: float) -> bool:
            key = self._data.keys[sample.row]
            return hashed_uniform(self._seed, key, sample.index, role) < share

        return [
            replace(
                sample,
                unconditional=selected(sample, "bare", prompt_dropout),
                anchor=selected(sample, "anchor", anchor_fraction),
            )
            for sample in samples
        ]

    def labels(self, samples: list[NoiseSample]) -> Labels:
        """Return the votes on the pairs of these noise samples, on the device."""
        data, device = self._data, self._compute.device
        rows = torch.tensor([sample.row for sample in samples])
        return Labels(
            share_B=data.share_N[rows].to(device),
            weight_B=data.weight_N[rows].to(device),
            trust_B=data.trust_N[rows].to(device),
            liked_2B=data.liked_2N[:, rows].flatten().to(device),
        )

    def keys(self, samples: list[NoiseSample]) -> list[str]:
        """Return cache keys of the errors: content, noise and timestep, all but the network."""
        data = self._data
        # The whole schedule: errors under another one are other errors.
        schedule = tuple(sorted((k, str(v)) for k, v in self._scheduler.config.items()))
        return [
            content_key(
                data.contents[sample.row],
                data.keys[sample.row],
                sample.index,
                self._seed,
                self._min_fraction,
                self._size_facts(sample.row),
                schedule,
                *(["bare"] if sample.unconditional else []),
            )
            for sample in samples
        ]

    def _size_facts(self, row: int) -> list[float] | list[list[float]]:
        """Return what is told of the sizes of a pair: one list where both images have the same."""
        data = self._data
        facts = [data.size_facts[side[row]].tolist() for side in (data.chosen, data.rejected)]
        return facts[0] if facts[0] == facts[1] else facts

    def _noise(self, samples: list[NoiseSample]) -> tuple[Tensor, Tensor]:
        shape = tuple(self._data.latents[int(self._data.chosen[samples[0].row])].shape)
        count = usable_timesteps(self._scheduler)
        keys = self._data.keys
        sampled = [
            sample_noise(self._seed, keys[s.row], s.index, shape, count, self._min_fraction)
            for s in samples
        ]
        # Repeated for the second half of the doubled batch: the rejected images share the noise.
        noise_BCHW = torch.stack([noise for noise, _ in sampled]).repeat(2, 1, 1, 1)
        return noise_BCHW, torch.tensor([timestep for _, timestep in sampled]).repeat(2)


def pair_errors(
    unet: torch.nn.Module, pairs: NoisyPairs, compute: Compute
) -> tuple[Tensor, Tensor]:
    """Return denoising errors (chosen_B, rejected_B), from one forward pass over both."""
    with compute.autocasting():
        predicted_BCHW = pairs.family.predict(
            unet, pairs.noisy_BCHW, pairs.timesteps_B, pairs.conditioning
        )
    chosen_B, rejected_B = denoising_error(predicted_BCHW, pairs.target_BCHW).chunk(2)
    return chosen_B, rejected_B
