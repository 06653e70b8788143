"""Renders of a base and its versions, for an evaluation: the same prompts and seeds with each.

Shapes: N = P·S images of P prompts and S seeds, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderItem, RenderSettings
from align.device import Compute
from align.evaluation.diffusion_classifier import PromptClassifier
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.image_sampler import render_settings
from align.sampling.memory.loading import load_ladder

BASE = "base"
OnProgress = Callable[[str, int, int], None]


def ignore_progress(what: str, done: int, of: int) -> None:
    """Report progress to nobody."""


def never_pause() -> None:
    """Go on at once."""


@dataclass(frozen=True)
class RenderedVersion:
    """Images and latents of one version: every prompt with every seed, prompt by prompt."""

    name: str
    latents_NCHW: Tensor
    """In fp32 on the CPU, not finite where the network's output was not."""
    images: list[Image.Image]


class VersionRenderer:
    """Renders the same prompts and seeds with a base and its versions, into one folder."""

    def __init__(
        self,
        target: Path,
        prompts: Sequence[str],
        seeds: Sequence[int],
        model: ModelInfo,
        compute: Compute,
        on_progress: OnProgress = ignore_progress,
        between_passes: Callable[[], None] = never_pause,
        look: RenderSettings | None = None,
    ) -> None:
        """`between_passes` is called between forward passes; what it raises ends the work.

        `look` are settings in place of the model's own.
        """
        self.target, self.prompts, self.seeds = target, list(prompts), list(seeds)
        self.model, self.compute = model, compute
        self.settings = look or render_settings(model)
        self._on_progress, self._between_passes = on_progress, between_passes
        self._memory = load_ladder(model, compute)
        self.pipeline = self._memory.pipeline
        self._adapters = AdapterSwitcher(self.pipeline)
        size = (self.settings.width, self.settings.height)
        shown = [self.settings.whole_prompt(prompt) for prompt in self.prompts]
        skip = self.settings.clip_skip
        self._classifier = PromptClassifier(self.pipeline, compute, shown, size, skip)

    def render(self, name: str, adapter: Path | None) -> RenderedVersion:
        """Render everything with one version, the base for None, and save the images."""
        wanted = [(str(adapter), 1.0)] if adapter else []
        settings, memory = self.settings, self._memory
        memory.load_adapters(lambda: self._adapters.use(wanted, settings.loras), settings)
        items = [RenderItem(prompt, seed) for prompt in self.prompts for seed in self.seeds]
        latents: list[Tensor] = []
        images: list[Image.Image] = []

        for indices in memory.batches(len(items), settings, prefer_throughput=True):
            while len(images) < indices.stop:
                batch = items[len(images) : indices.stop]
                latents_BCHW = memory.denoise(batch, settings, lambda _: self._between_passes())
                latents.append(latents_BCHW.float().cpu())
                # The decoder would spread one NaN over the image: checks look for them in latents.
                images += memory.decode(latents_BCHW.nan_to_num(), settings)
                self._on_progress(f"rendering with {name}", len(images), len(items))

        for index, image in enumerate(images):
            image.save(self.file(name, index))
        return RenderedVersion(name, torch.cat(latents), images)

    def file(self, name: str, index: int) -> Path:
        """Return the path of an image: VERSION-PROMPT-SEED.png, the prompt by its index."""
        prompt, seed = divmod(index, len(self.seeds))
        path = self.target / "images" / f"{name}-{prompt}-{self.seeds[seed]}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def recognized(self, rendered: RenderedVersion) -> Tensor:
        """Return recognized_N: True where an image's own prompt explains it best.

        See `align.evaluation.diffusion_classifier`.
        """
        # The base is the judge, of its own images and of every version's.
        self._adapters.use([], self.settings.loras)
        recognized = []
        for index, latent_CHW in enumerate(rendered.latents_NCHW):
            self._between_passes()
            prompt = index // len(self.seeds)
            recognized.append(self._recognizes(latent_CHW, prompt))
            self._on_progress(f"classifying {rendered.name}", index + 1, len(rendered.images))
        return torch.tensor(recognized)

    def _recognizes(self, latent_CHW: Tensor, prompt: int) -> bool:
        """Classify an image, with fewer rows a pass where memory is short."""
        classifier, size = self._classifier, (self.settings.width, self.settings.height)
        return self._memory.attempt(
            lambda rows: classifier.recognizes(latent_CHW, prompt, rows),
            size,
            classifier.rows_at_once,
            "Checking an image against its prompt takes more memory than is free",
        )
