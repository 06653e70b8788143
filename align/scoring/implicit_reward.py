"""Implicit reward of DPO: how much better than its base a version denoises an image.

Shapes: N images, K noise samples, M noise samples of one forward pass, C latent channels,
H x W latent pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from align.adapters.lora import as_reference
from align.client.config import TrainConfig
from align.client.run_folder import RunFolder
from align.contracts.image_sizes import bucket_of
from align.contracts.rendering import whole_prompt
from align.data.buckets import SizedImage, size_facts_of
from align.data.encode import encode_prompts, read_image
from align.data.image_files import image_size
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.noise import sample_noise
from align.diffusion.schedules import (
    TrainingScheduler,
    corrupt,
    network_timesteps,
    usable_timesteps,
)
from align.errors import BrokenModel, BrokenRun, InvalidSettings, ModelNotFound, first_line
from align.families.conditioning import Conditioning
from align.families.family import DenoiserNetwork, ModelFamily, Pipeline
from align.families.lookup import family_of
from align.weights.full import holds_full_weights
from align.weights.pipeline import load_pipeline

NOISE_SAMPLES_PER_PASS = 4
"""The same on every device that has room: batches of other sizes change the last bits."""


def implicit_reward(policy_NK: Tensor, reference_NK: Tensor, kappa: float) -> Tensor:
    """Return r = κ · mean over noise samples of (R - L): rewards_N, in fp32.

    Arguments are denoising errors of policy (L) and reference (R) for the same noise samples. Above
    zero where tuning made the image more likely. Wallace et al. 2023 (arXiv 2311.12908): the
    difference of two rewards under one prompt is the argument of Eq. 14's log σ; the prompt's own
    term, β log Z(c), cancels there and is left out here, so compare within a prompt.
    """
    return kappa * (reference_NK.float() - policy_NK.float()).mean(dim=1)


@dataclass(frozen=True)
class ImplicitReward:
    """Scores by a pipeline with an adapter; with the adapter off it is the reference."""

    pipeline: Pipeline
    compute: Compute
    size: tuple[int, int]
    """Width and height that the model is made for: images are encoded at about as many pixels, in
    an aspect ratio near their own."""
    kappa: float = 2500.0
    noise_samples: int = 12
    seed: int = 0
    min_timestep_fraction: float = 0.0
    samples_per_pass: int = NOISE_SAMPLES_PER_PASS
    clip_skip: int = 1
    prompt_prefix: str = ""
    prompt_suffix: str = ""
    """Texts around every prompt, which the version learned with."""
    reference: Callable[[], AbstractContextManager[None]] | None = None
    """Enters a context in which the pipeline is the base; left out, all adapters are off there."""
    name: str = "implicit"
    meaning: str = (
        "How much more likely tuning made the image than its base model holds it to be; zero is "
        "no change, and only images of one prompt compare."
    )

    @torch.no_grad()
    def score(self, prompts: Sequence[str], images: Sequence[Path]) -> Tensor:
        """Return scores_N, in fp32. A score depends on its own prompt and image's content alone.

        Raises:
            InvalidSettings: the UNet carries no adapter, or prompts and images differ in number.
            SnapshotError: a file is not an image.
        """
        if not getattr(self._denoiser, "peft_config", None):
            raise InvalidSettings("The model carries no adapter to score by. Load a version first.")
        if len(prompts) != len(images):
            raise InvalidSettings(f"{len(prompts)} prompts for {len(images)} images.")

        # One at a time: a neighbor in the batch would change the last bits, and κ enlarges those.
        text = {prompt: self._encoded(prompt) for prompt in set(prompts)}
        rewards = [
            self._reward(text[prompt], image) for prompt, image in zip(prompts, images, strict=True)
        ]
        return torch.cat(rewards) if rewards else torch.zeros(0)

    @property
    def _family(self) -> ModelFamily:
        return family_of(self.pipeline)

    @property
    def _denoiser(self) -> DenoiserNetwork:
        return self._family.denoiser(self.pipeline)

    def _encoded(self, prompt: str) -> Conditioning:
        """Encode a prompt as the version learned it."""
        whole = whole_prompt(prompt, self.prompt_prefix, self.prompt_suffix)
        return encode_prompts(self.pipeline, [whole], self.clip_skip)

    def _reward(self, text: Conditioning, image: Path) -> Tensor:
        """Return the reward of one image, as a tensor of one number."""
        file_size = image_size(image)
        size = bucket_of(*file_size, self.size[0] * self.size[1])
        pixels_1CHW = read_image(image, size)[None]
        latents_1CHW = self._family.encode_images(self.pipeline, self.compute, pixels_1CHW)
        scheduler = self._family.training_scheduler(self.pipeline)
        noise_KCHW, timesteps_K = self._noise(pixels_1CHW, latents_1CHW, scheduler)

        noisy_KCHW, target_KCHW = corrupt(
            scheduler, latents_1CHW.expand_as(noise_KCHW), noise_KCHW, timesteps_K
        )
        inputs_K = network_timesteps(scheduler, timesteps_K)
        facts = size_facts_of(self._family, SizedImage(size, image), file_size)
        conditioned = self._family.with_size(text, facts)
        batch = (noisy_KCHW, target_KCHW, inputs_K, conditioned)

        policy_K = self._errors(*batch)
        with self.reference() if self.reference else as_reference(self._denoiser):
            reference_K = self._errors(*batch)
        return implicit_reward(policy_K[None], reference_K[None], self.kappa).cpu()

    def _noise(
        self, pixels_1CHW: Tensor, latents_1CHW: Tensor, scheduler: TrainingScheduler
    ) -> tuple[Tensor, Tensor]:
        """Sample noise and timesteps by the image's content, wherever its file lies."""
        key = hashlib.blake2b(pixels_1CHW.numpy().tobytes(), digest_size=16).hexdigest()
        shape, count = tuple(latents_1CHW.shape[1:]), usable_timesteps(scheduler)
        sampled = [
            sample_noise(self.seed, key, index, shape, count, self.min_timestep_fraction)
            for index in range(self.noise_samples)
        ]
        timesteps_K = torch.tensor([timestep for _, timestep in sampled])
        return torch.stack([noise for noise, _ in sampled]), timesteps_K

    def _errors(
        self,
        noisy_KCHW: Tensor,
        target_KCHW: Tensor,
        timesteps_K: Tensor,
        conditioning: Conditioning,
    ) -> Tensor:
        """Return denoising errors_K, with the adapter on or off as it is now."""
        device, weights = self.compute.device, self.compute.weights
        errors = []
        for rows in torch.split(torch.arange(self.noise_samples), self.samples_per_pass):
            with self.compute.autocasting():
                predicted_MCHW = self._family.predict(
                    self._denoiser,
                    noisy_KCHW[rows].to(device, weights),
                    timesteps_K[rows].to(device),
                    conditioning.expand(len(rows)).to(device, weights),
                )
            errors.append(denoising_error(predicted_MCHW, target_KCHW[rows].to(device)))
        return torch.cat(errors)


def load_implicit(run: Path, compute: Compute) -> ImplicitReward:
    """Load the implicit reward of a finished run's adapter.

    Raises:
        BrokenRun: the folder is not a run folder.
        ModelNotFound: the run has no adapter yet, or its model is not on this machine.
        BrokenModel: the adapter or the model cannot be loaded.
    """
    folder = RunFolder(run)
    # No more than this of config.json: other settings say nothing about a reward.
    model, settings = folder.stored_model(), folder.stored_settings()
    if not folder.adapter.is_file():
        raise ModelNotFound(f"{folder.adapter} does not exist. Wait until the run is done.")
    if holds_full_weights(folder.adapter):
        raise InvalidSettings(
            f"{folder.path} trained all weights, and this scorer compares an adapter with its base."
            " Take a run with a lora or dora adapter."
        )

    look = folder.stored_look()
    pipeline = load_pipeline(model, compute, look.loras if look else ())
    try:
        pipeline.load_lora_weights(str(folder.path), weight_name=folder.adapter.name)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BrokenModel(
            f"{folder.adapter} does not fit {model.name}. Run again. ({first_line(error)})"
        ) from error

    return ImplicitReward(
        pipeline,
        compute,
        (model.width, model.height),
        kappa=_number(settings, "kappa", folder),
        min_timestep_fraction=_number(settings, "min_timestep_fraction", folder),
        clip_skip=look.clip_skip if look else 1,
        prompt_prefix=look.prompt_prefix if look else "",
        prompt_suffix=look.prompt_suffix if look else "",
    )


def _number(settings: dict[str, Any], name: str, folder: RunFolder) -> float:
    """Return a stored setting, or its default; raises BrokenRun where it is no number."""
    value = settings.get(name, getattr(TrainConfig(), name))
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BrokenRun(
            f"{folder.config_path} has {name} {value!r}. Write a number there."
        ) from None
