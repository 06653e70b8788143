"""Is the prompt in the image? The base model itself is asked, as a classifier.

An image is named by the prompt under which the base denoises it best, at fixed draws: the
diffusion classifier of Li et al. 2023 (arXiv 2303.16203).

Shapes: K candidate prompts, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from align.data.encode import encode_prompts
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.noise import corrupt, network_timesteps, sample_noise, usable_timesteps
from align.families.family import Pipeline
from align.families.lookup import family_of

CANDIDATES = 4
NOISE_SAMPLES = 4
MIN_NOISE_LEVEL, MAX_NOISE_LEVEL = 0.25, 0.85
"""Noise levels outside say little about the subject: all image, or all noise."""
ROWS_PER_MEGAPIXEL = 4


class PromptClassifier:
    """Tells for each image whether its own prompt explains it best of a few."""

    def __init__(
        self,
        pipeline: Pipeline,
        compute: Compute,
        prompts: Sequence[str],
        size: tuple[int, int],
    ) -> None:
        """`pipeline` is to carry no adapter when it is asked; `size` is width and height."""
        self._family, self._compute, self._size = family_of(pipeline), compute, size
        self._denoiser = self._family.denoiser(pipeline)
        texts = encode_prompts(pipeline, list(prompts))
        self._conditioning = self._family.with_size(texts, self._family.size_facts(size))
        self._scheduler = self._family.training_scheduler(pipeline)

    @torch.inference_mode()
    def named(self, latent_CHW: Tensor, own: int) -> bool:
        """Whether the prompt in row `own` explains an image best of CANDIDATES."""
        return int(self._errors(latent_CHW, self._candidates(own)).argmin()) == 0

    def _candidates(self, own: int) -> list[int]:
        """The image's own prompt first, then those that follow it in the list."""
        prompts = len(self._conditioning)
        return [(own + k) % prompts for k in range(min(CANDIDATES, prompts))]

    def _errors(self, latent_CHW: Tensor, rows: list[int]) -> Tensor:
        """Mean denoising errors_K of an image under each of K prompts."""
        count = usable_timesteps(self._scheduler)
        noise_samples = [
            sample_noise(0, "naming", k, tuple(latent_CHW.shape), count)
            for k in range(NOISE_SAMPLES)
        ]
        noise = torch.stack([n for n, _ in noise_samples]).repeat(len(rows), 1, 1, 1)
        levels = (
            torch.tensor([t for _, t in noise_samples]) * (MAX_NOISE_LEVEL - MIN_NOISE_LEVEL)
            + MIN_NOISE_LEVEL * count
        )
        times = levels.long().repeat(len(rows))
        latents = latent_CHW.float().cpu().nan_to_num().expand_as(noise)
        noisy, target = corrupt(self._scheduler, latents, noise, times)
        prompts = torch.tensor(rows).repeat_interleave(NOISE_SAMPLES)
        times = network_timesteps(self._scheduler, times)
        megapixels = self._size[0] * self._size[1] / 1e6
        at_once = max(1, min(len(prompts), int(ROWS_PER_MEGAPIXEL / megapixels)))
        parts = zip(*(x.split(at_once) for x in (noisy, target, times, prompts)), strict=True)
        return torch.cat([self._forward(*part) for part in parts]).view(len(rows), -1).mean(dim=1)

    def _forward(self, noisy: Tensor, target: Tensor, times: Tensor, prompts: Tensor) -> Tensor:
        device, weights = self._compute.device, self._compute.weights
        with self._compute.autocasting():
            predicted = self._family.predict(
                self._denoiser,
                noisy.to(device, weights),
                times.to(device),
                self._conditioning.rows(prompts).to(device, weights),
            )
        return denoising_error(predicted, target.to(device)).cpu()
