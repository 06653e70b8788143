"""Is the prompt in the image? The base model itself is asked, as a classifier.

An image is named by the prompt under which the base denoises it best, at fixed draws: the
diffusion classifier of Li et al. 2023 (arXiv 2303.16203).

Shapes: K candidate prompts, P prompts, S tokens, D text width, E pooled width, C latent channels,
H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from align.data.encode import encode_prompts, time_ids_6
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.noise import (
    corrupt,
    network_timesteps,
    sample_noise,
    training_scheduler,
    usable_timesteps,
)

CANDIDATES = 4
NOISE_SAMPLES = 4
MIN_NOISE_LEVEL, MAX_NOISE_LEVEL = 0.25, 0.85
"""Noise levels outside say little about the subject: all image, or all noise."""
ROWS_PER_MEGAPIXEL = 4


class PromptClassifier:
    """Tells for each image whether its own prompt explains it best of a few."""

    def __init__(
        self,
        pipeline: StableDiffusionXLPipeline,
        compute: Compute,
        prompts: Sequence[str],
        size: tuple[int, int],
    ) -> None:
        """`pipeline` is to carry no adapter when it is asked; `size` is width and height."""
        self._unet, self._compute, self._size = pipeline.unet, compute, size
        self._text_PSD, self._pooled_PE = encode_prompts(pipeline, list(prompts))
        self._scheduler = training_scheduler(pipeline.scheduler)

    @torch.inference_mode()
    def named(self, latent_CHW: Tensor, own: int) -> bool:
        """Whether the prompt in row `own` explains an image best of CANDIDATES."""
        return int(self._errors(latent_CHW, self._candidates(own)).argmin()) == 0

    def _candidates(self, own: int) -> list[int]:
        """The image's own prompt first, then those that follow it in the list."""
        prompts = len(self._text_PSD)
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
        sizes = time_ids_6(self._size).expand(len(prompts), -1)
        with self._compute.autocasting():
            predicted = self._unet(
                noisy.to(device, weights),
                times.to(device),
                encoder_hidden_states=self._text_PSD[prompts].to(device, weights),
                added_cond_kwargs={
                    "text_embeds": self._pooled_PE[prompts].to(device, weights),
                    "time_ids": sizes.to(device, weights),
                },
            ).sample
        return denoising_error(predicted, target.to(device)).cpu()
