"""Is the prompt still in the image? The base model itself is asked, as a classifier.

An image is named by the prompt, out of 16, under which the base model denoises it best at fixed
draws: the diffusion classifier of Li et al. 2023 (arXiv 2303.16203).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from align.client.models import describe_model
from align.data.batch import NoisyPairs, pair_errors
from align.data.encode import encode_images, encode_prompts
from align.device import choose_compute
from align.diffusion.noise import sample_noise
from align.diffusion.schedules import corrupt, training_scheduler
from align.families.sdxl import SDXL
from align.files import write_json
from align.weights.pipeline import load_pipeline, quiet_libraries

CANDIDATES = 16
DRAWS = 6
MAX_NOISE_LEVEL, MIN_NOISE_LEVEL = 850, 250
LEVELS = MAX_NOISE_LEVEL - MIN_NOISE_LEVEL
"""Timesteps outside say little about the subject: all noise, or all image."""


class PromptClassifier:
    """Names images by the embedded base model's own denoising error."""

    def __init__(self, prompts: Sequence[str], kept: Path | None = None) -> None:
        """`kept` is a file that remembers which images were named right."""
        quiet_libraries()
        self._model, self._compute = describe_model(), choose_compute()
        self._pipeline = load_pipeline(self._model, self._compute)
        self._prompts = list(prompts)
        # The base's images are the same whatever the taste.
        self._kept = kept
        self._named: dict[str, bool] = (
            json.loads(kept.read_text("utf-8")) if kept and kept.exists() else {}
        )
        texts = encode_prompts(self._pipeline, self._prompts)
        size = (self._model.width, self._model.height)
        self._conditioning = SDXL.with_size(texts, SDXL.size_facts(size))
        self._scheduler = training_scheduler(self._pipeline.scheduler)

    @torch.no_grad()
    def share_named_right(self, images: Sequence[Path], prompts: Sequence[str]) -> float:
        """The share of images whose own prompt is the best of 16."""
        keys = [self._key(*one) for one in zip(images, prompts, strict=True)]
        new = [place for place, key in enumerate(keys) if key not in self._named]
        for place, latent_CHW in zip(new, self.latents([images[i] for i in new]), strict=True):
            best = self._best(latent_CHW, self._candidates(prompts[place]))
            self._named[keys[place]] = best == 0
        if self._kept and new:
            write_json(self._kept, self._named)
        return sum(self._named[key] for key in keys) / len(keys)

    def _key(self, image: Path, prompt: str) -> str:
        """An image and its prompt, under the base that is asked."""
        return f"{self._model.identity} {hashlib.sha256(image.read_bytes()).hexdigest()} {prompt}"

    @torch.no_grad()
    def latents(self, images: Sequence[Path]) -> torch.Tensor:
        """The autoencoder's latents [image, C, H, W] of image files."""
        if not images:
            return torch.empty(0)
        size = (self._model.width, self._model.height)
        return encode_images(self._pipeline, self._compute, images, size)

    def _candidates(self, prompt: str) -> list[int]:
        """The image's own prompt first, then the 15 that follow it in the list."""
        own = self._prompts.index(prompt)
        return [(own + k) % len(self._prompts) for k in range(CANDIDATES)]

    def _best(self, latent_CHW: torch.Tensor, rows: list[int]) -> int:
        noises, timesteps = zip(
            *(sample_noise(0, "naming", k, tuple(latent_CHW.shape), LEVELS)
              for k in range(DRAWS)), strict=True
        )  # fmt: skip
        noise = torch.stack(noises).repeat(CANDIDATES, 1, 1, 1)
        times = (torch.tensor(timesteps) + MIN_NOISE_LEVEL).repeat(CANDIDATES)
        noisy, target = corrupt(self._scheduler, latent_CHW.expand_as(noise), noise, times)
        prompt_rows = torch.tensor(rows).repeat_interleave(DRAWS)
        batch = NoisyPairs(SDXL, noisy, target, times, self._conditioning.rows(prompt_rows))
        errors = torch.cat(pair_errors(self._pipeline.unet, batch, self._compute))
        return int(errors.view(CANDIDATES, DRAWS).mean(dim=1).argmin())
