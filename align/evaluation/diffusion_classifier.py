"""Diffusion classifier: the base model tells which of a few prompts an image shows.

An image is classified as the prompt under which the base denoises it best, at fixed noise samples:
Li et al. 2023 (arXiv 2303.16203).

Shapes: K candidate prompts, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from align.data.encode import encode_prompts
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.noise import sample_noise
from align.diffusion.schedules import corrupt, network_timesteps, usable_timesteps
from align.families.family import Pipeline
from align.families.lookup import family_of

CANDIDATES = 4
"""Prompts that an image is compared with, its own among them."""
NOISE_SAMPLES = 4
"""Of each image and prompt: the same ones for all, so that differences are the prompt's."""
MIN_NOISE_LEVEL, MAX_NOISE_LEVEL = 0.25, 0.85
"""Noise levels outside say little about the subject: all image, or all noise."""
ROWS_PER_MEGAPIXEL = 4
"""Of a forward pass: fewer for larger images."""


class PromptClassifier:
    """Classifies images by the prompts of an evaluation."""

    def __init__(
        self,
        pipeline: Pipeline,
        compute: Compute,
        prompts: Sequence[str],
        size: tuple[int, int],
        clip_skip: int = 1,
    ) -> None:
        """`size` is width and height. Adapters must be off while images are classified."""
        self._family, self._compute, self._size = family_of(pipeline), compute, size
        self._denoiser = self._family.denoiser(pipeline)
        texts = encode_prompts(pipeline, list(prompts), clip_skip)
        self._conditioning = self._family.with_size(texts, self._family.size_facts(size))
        self._scheduler = self._family.training_scheduler(pipeline)

    @property
    def rows_at_once(self) -> int:
        """Return the rows of a pass, fewer for larger images: their number follows memory."""
        megapixels = self._size[0] * self._size[1] / 1e6
        return max(1, min(CANDIDATES * NOISE_SAMPLES, int(ROWS_PER_MEGAPIXEL / megapixels)))

    @torch.inference_mode()
    def recognizes(self, latent_CHW: Tensor, own: int, rows_at_once: int | None = None) -> bool:
        """Return True where the prompt in row `own` explains an image best of the candidates."""
        at_once = rows_at_once or self.rows_at_once
        return int(self._errors(latent_CHW, self._candidates(own), at_once).argmin()) == 0

    def _candidates(self, own: int) -> list[int]:
        """Return the rows of the image's own prompt, first, and of those that follow it."""
        prompts = len(self._conditioning)
        return [(own + k) % prompts for k in range(min(CANDIDATES, prompts))]

    def _errors(self, latent_CHW: Tensor, rows: list[int], at_once: int) -> Tensor:
        """Return mean denoising errors_K of an image under each of K prompts."""
        count = usable_timesteps(self._scheduler)
        sampled = [
            sample_noise(0, "naming", k, tuple(latent_CHW.shape), count)
            for k in range(NOISE_SAMPLES)
        ]
        noise = torch.stack([n for n, _ in sampled]).repeat(len(rows), 1, 1, 1)
        levels = (
            torch.tensor([t for _, t in sampled]) * (MAX_NOISE_LEVEL - MIN_NOISE_LEVEL)
            + MIN_NOISE_LEVEL * count
        )
        times = levels.long().repeat(len(rows))

        latents = latent_CHW.float().cpu().nan_to_num().expand_as(noise)
        noisy, target = corrupt(self._scheduler, latents, noise, times)
        prompts = torch.tensor(rows).repeat_interleave(NOISE_SAMPLES)
        times = network_timesteps(self._scheduler, times)

        parts = zip(
            *(torch.split(x, at_once) for x in (noisy, target, times, prompts)), strict=True
        )
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
