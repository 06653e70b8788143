"""Stable Diffusion XL (Podell et al. 2023, arXiv 2307.01952), as diffusers' pipeline has it.

Shapes: B images, S tokens, D text width, E pooled width, C latent channels, H x W latent pixels or
pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from align.client.models import KIND
from align.device import Compute
from align.diffusion.noise import TrainingScheduler, training_scheduler
from align.families.family import Conditioning, ModelFamily
from align.families.latent_scaling import from_unet, scaling_facts, to_unet

TEXT, POOLED, SIZES = "text", "pooled", "sizes"
"""Names of a conditioning's tensors: [B, S, D], [B, E] and [B, 6]."""


class StableDiffusionXL:
    """The family of Stable Diffusion XL; see `ModelFamily` for what each method is for."""

    name = KIND
    pipeline_class = StableDiffusionXLPipeline

    def denoiser(self, pipeline: StableDiffusionXLPipeline) -> torch.nn.Module:
        """Return the UNet."""
        return pipeline.unet

    def autoencoder(self, pipeline: StableDiffusionXLPipeline) -> torch.nn.Module:
        """Return the VAE."""
        return pipeline.vae

    def text_encoders(self, pipeline: StableDiffusionXLPipeline) -> list[torch.nn.Module]:
        """Return CLIP's and OpenCLIP's text encoders."""
        return [part for part in (pipeline.text_encoder, pipeline.text_encoder_2) if part]

    @torch.no_grad()
    def encode_prompts(
        self, pipeline: StableDiffusionXLPipeline, prompts: Sequence[str]
    ) -> Conditioning:
        """Encode prompts with both text encoders."""
        text_BSD, _, pooled_BE, _ = pipeline.encode_prompt(
            list(prompts), do_classifier_free_guidance=False
        )
        return Conditioning({TEXT: text_BSD.float().cpu(), POOLED: pooled_BE.float().cpu()})

    def encode_no_prompt(self, pipeline: StableDiffusionXLPipeline) -> Conditioning:
        """Return zeros where the pipeline was trained so, else encode an empty prompt."""
        empty = self.encode_prompts(pipeline, [""])
        if pipeline.config.force_zeros_for_empty_prompt:
            return Conditioning({name: torch.zeros_like(t) for name, t in empty.tensors.items()})
        return empty

    def size_facts(self, size: tuple[int, int]) -> Tensor:
        """Return the six numbers of section 2.2 for an image that was never scaled or cropped.

        In the pipeline's order: the original height and width, the crop's top and left, the wanted
        height and width.
        """
        width, height = size
        return torch.tensor([height, width, 0, 0, height, width], dtype=torch.float32)

    def with_size(self, text: Conditioning, size_facts: Tensor) -> Conditioning:
        """Add the six numbers to every row."""
        return Conditioning({**text.tensors, SIZES: size_facts.expand(len(text), -1)})

    @torch.no_grad()
    def encode_images(
        self, pipeline: StableDiffusionXLPipeline, compute: Compute, pixels_BCHW: Tensor
    ) -> Tensor:
        """Encode pixels to scaled latents, from the posterior's mean."""
        # The autoencoder leaves the range of fp16, and its latents are kept for every run.
        with torch.autocast(compute.device.type, enabled=False):
            mean_BCHW = pipeline.vae.encode(pixels_BCHW.to(compute.device)).latent_dist.mean
        return to_unet(pipeline.vae, mean_BCHW.float()).cpu()

    def latent_facts(self, pipeline: StableDiffusionXLPipeline) -> list[Any]:
        """Return the autoencoder's scaling factor and statistics."""
        return scaling_facts(pipeline.vae)

    def decode_latents(
        self, pipeline: StableDiffusionXLPipeline, compute: Compute, latents_BCHW: Tensor
    ) -> Tensor:
        """Decode scaled latents to pixels."""
        own_BCHW = from_unet(pipeline.vae, latents_BCHW.float())
        with compute.autocasting_autoencoder():
            pixels_BCHW: Tensor = pipeline.vae.decode(own_BCHW).sample.float()
        return pixels_BCHW

    def training_scheduler(self, pipeline: StableDiffusionXLPipeline) -> TrainingScheduler:
        """Return the pipeline's own schedule of betas, or EDM's."""
        return training_scheduler(pipeline.scheduler)

    def predict(
        self,
        denoiser: torch.nn.Module,
        noisy_BCHW: Tensor,
        timesteps_B: Tensor,
        conditioning: Conditioning,
    ) -> Tensor:
        """Run the UNet with cross-attention to the text, and pooled text and sizes added."""
        added = {"text_embeds": conditioning[POOLED], "time_ids": conditioning[SIZES]}
        predicted_BCHW: Tensor = denoiser(
            noisy_BCHW,
            timesteps_B,
            encoder_hidden_states=conditioning[TEXT],
            added_cond_kwargs=added,
        ).sample
        return predicted_BCHW


SDXL: ModelFamily = StableDiffusionXL()
