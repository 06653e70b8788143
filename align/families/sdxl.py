"""Stable Diffusion XL (Podell et al. 2023, arXiv 2307.01952), as diffusers' pipeline has it.

Shapes: B images, S tokens, D text width, E pooled width, C latent channels, H x W latent pixels or
pixels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from diffusers import SchedulerMixin, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor

from align.adapters.kohya import DOWN, PREFIX, LayerNames, LoraFile
from align.adapters.lora import ATTENTION, save_adapter
from align.adapters.lora_names import known_names
from align.adapters.lora_origins import TEXT_WIDTHS
from align.adapters.sgm_names import SDXL_LAYOUT, Layout, guess_layout, layout_of
from align.client.models import PARTS
from align.contracts.image_sizes import Size
from align.contracts.models import KIND
from align.device import Compute
from align.diffusion.schedules import TrainingScheduler, training_scheduler
from align.families.conditioning import MASK, Conditioning
from align.families.family import BaseNames, DenoiserInputs, ModelFamily
from align.families.latent_scaling import from_unet, scaling_facts, to_unet
from align.families.schedulers import read_as, with_solver
from align.families.sdxl_shapes import tile, unet_inputs, with_new_autoencoder
from align.families.sdxl_text import call_inputs, chunk_counts, encode_texts

TEXT, POOLED, SIZES = "text", "pooled", "sizes"
"""Names of a conditioning's tensors: [B, S, D], [B, E] and [B, 6]."""
TEXT_WIDTH = 2048
SDXL_1_0 = BaseNames("stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0")
TARGETS = {
    "attention": ATTENTION,
    "all": [*ATTENTION, "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2", "time_emb_proj",
            "conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv"],
}  # fmt: skip
"""Which layers get an adapter: attention's, or every linear and convolution inside the blocks."""
SDXL_UNET: dict[str, Any] = {
    "sample_size": 128,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 2,
    "projection_class_embeddings_input_dim": 2816,
    "transformer_layers_per_block": [1, 2, 10],
    "use_linear_projection": True,
}
"""The published configuration of SDXL 1.0's UNet."""


class StableDiffusionXL:
    """The family of Stable Diffusion XL; see `ModelFamily` for what each method is for."""

    name = KIND
    pipeline_class = StableDiffusionXLPipeline
    parts: Mapping[str, str] = PARTS
    tokenizers: Mapping[str, str] = MappingProxyType(
        {"tokenizer": "text_encoder", "tokenizer_2": "text_encoder_2"}
    )
    denoiser_part = "unet"
    denoiser_class = UNet2DConditionModel
    adapter_targets: Mapping[str, list[str]] = MappingProxyType(TARGETS)
    published_code = "https://github.com/Stability-AI/generative-models"

    def denoiser(self, pipeline: StableDiffusionXLPipeline) -> UNet2DConditionModel:
        """Return the UNet."""
        return pipeline.unet

    def autoencoder(self, pipeline: StableDiffusionXLPipeline) -> torch.nn.Module:
        """Return the VAE."""
        autoencoder: torch.nn.Module = pipeline.vae
        return autoencoder

    def text_encoders(self, pipeline: StableDiffusionXLPipeline) -> list[torch.nn.Module]:
        """Return CLIP's and OpenCLIP's text encoders."""
        return [part for part in (pipeline.text_encoder, pipeline.text_encoder_2) if part]

    def to_device(
        self,
        pipeline: StableDiffusionXLPipeline,
        compute: Compute,
        parts: Collection[str] | None = None,
    ) -> None:
        """Move a pipeline; its autoencoder stays in fp32, since it leaves the range of fp16."""
        for name in self.parts if parts is None else parts:
            if (part := getattr(pipeline, name)) is not None:
                part.to(compute.device)
        pipeline.vae.to(torch.float32, memory_format=torch.channels_last)
        if compute.device.type == "cuda":
            pipeline.unet.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def encode_prompts(
        self, pipeline: StableDiffusionXLPipeline, prompts: Sequence[str], clip_skip: int = 1
    ) -> Conditioning:
        """Encode prompts with both text encoders."""
        texts = encode_texts(pipeline, prompts, clip_skip)
        return Conditioning.stack(
            [
                {TEXT: text_SD.float().cpu(), POOLED: pooled_E.float().cpu()}
                for text_SD, pooled_E in zip(texts.rows, texts.pooled_BE, strict=True)
            ]
        )

    def prompt_chunks(
        self, pipeline: StableDiffusionXLPipeline, prompts: Sequence[str]
    ) -> list[int]:
        """Count the chunks that CLIP encoders take."""
        return chunk_counts(pipeline, prompts)

    def encode_no_prompt(
        self, pipeline: StableDiffusionXLPipeline, clip_skip: int = 1
    ) -> Conditioning:
        """Return zeros where the pipeline was trained so, else encode an empty prompt."""
        empty = self.encode_prompts(pipeline, [""], clip_skip)
        if pipeline.config.force_zeros_for_empty_prompt:
            return Conditioning({name: torch.zeros_like(t) for name, t in empty.tensors.items()})
        return empty

    def rendering_inputs(
        self,
        pipeline: StableDiffusionXLPipeline,
        compute: Compute,
        prompts: Sequence[str],
        negative_prompt: str,
        guidance: float,
        clip_skip: int = 1,
    ) -> dict[str, Tensor]:
        """Encode prompts as the pipeline's own call does, which leaves out what is not guided."""
        inputs = call_inputs(pipeline, prompts, negative_prompt, guidance, clip_skip)
        return {name: tensor.to(compute.device) for name, tensor in inputs.items()}

    def size_facts(
        self, size: Size, original: Size | None = None, crop: tuple[int, int] = (0, 0)
    ) -> Tensor:
        """Return the six numbers of section 2.2 for an image.

        In the pipeline's order: the original height and width, the crop's top and left, the wanted
        height and width.
        """
        (width, height), (left, top) = size, crop
        original_width, original_height = original or size
        facts = [original_height, original_width, top, left, height, width]
        return torch.tensor(facts, dtype=torch.float32)

    def with_size(self, text: Conditioning, size_facts: Tensor) -> Conditioning:
        """Add the six numbers to every row, the same ones or those of the row."""
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

    def latent_facts(self, pipeline: StableDiffusionXLPipeline) -> list[float | list[float] | None]:
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

    def tile_autoencoder(self, pipeline: StableDiffusionXLPipeline, tiled: bool) -> None:
        """Switch on the VAE's tiles; its own are as large as the images that it is made for."""
        tile(pipeline.vae, tiled)

    def rendering_scheduler(
        self,
        pipeline: StableDiffusionXLPipeline,
        solver: str,
        prediction: str = "",
        zero_terminal_snr: bool = False,
    ) -> SchedulerMixin:
        """Return the solver of this name, in a form that the pipeline can call."""
        own = pipeline.scheduler
        return with_solver(
            read_as(own, prediction, zero_terminal_snr) if prediction else own, solver
        )

    def training_scheduler(self, pipeline: StableDiffusionXLPipeline) -> TrainingScheduler:
        """Return the pipeline's own schedule: of betas, EDM's, or a flow's."""
        return training_scheduler(pipeline.scheduler)

    def predict(
        self,
        denoiser: UNet2DConditionModel,
        noisy_BCHW: Tensor,
        timesteps_B: Tensor,
        conditioning: Conditioning,
    ) -> Tensor:
        """Run the UNet with cross-attention to the text, and pooled text and sizes added."""
        added = {"text_embeds": conditioning[POOLED], "time_ids": conditioning[SIZES]}
        # Only texts of different lengths have a mask.
        mask_BS = conditioning.tensors.get(TEXT + MASK)
        masked = {} if mask_BS is None else {"encoder_attention_mask": mask_BS}
        predicted_BCHW: Tensor = denoiser(
            noisy_BCHW,
            timesteps_B,
            encoder_hidden_states=conditioning[TEXT],
            added_cond_kwargs=added,
            **masked,
        ).sample
        return predicted_BCHW

    def save_adapter(self, denoiser: UNet2DConditionModel, path: Path) -> None:
        """Write the UNet's adapter for any SDXL pipeline of diffusers."""
        save_adapter(denoiser, path)

    def layer_names(self, denoiser: UNet2DConditionModel, layers: Iterable[str]) -> dict[str, str]:
        """Return diffusers' names by those of diffusers, kohya and the published code."""
        return known_names(denoiser, layers)

    def published_names(
        self, adapter: LoraFile, config: Mapping[str, Any] | None = None
    ) -> LayerNames | None:
        """Number blocks as the published code does: it depends on how many layers each has."""
        layers = [module.removeprefix(PREFIX) for module in adapter.ranks]
        if config is None:
            is_full_size = self.base_names(adapter) is not None
            layout = guess_layout(layers) or (SDXL_LAYOUT if is_full_size else None)
        else:
            layout = stored_layout(config)
        return layout.name if layout is not None and layout.holds(layers) else None

    def base_names(self, adapter: LoraFile) -> BaseNames | None:
        """Tell SDXL 1.0 by its text, 2048 wide: models of other sizes share its layers' names."""
        is_full_size = any(
            name.endswith(f"attn2.to_k{DOWN}") and weight.shape[1] == TEXT_WIDTH
            for name, weight in adapter.weights.items()
        )
        return SDXL_1_0 if is_full_size else None

    def origin_name(self, denoiser: UNet2DConditionModel) -> str | None:
        """Tell by the width of the text that the UNet takes."""
        return TEXT_WIDTHS.get(denoiser.config.cross_attention_dim)

    def build_denoiser(self, config: Mapping[str, Any]) -> UNet2DConditionModel:
        """Build a UNet without its weights."""
        return UNet2DConditionModel.from_config(config)

    def inputs_by_shape(
        self,
        denoiser: UNet2DConditionModel,
        size: int | Size,
        images: int,
        dtype: torch.dtype,
        tokens: int,
    ) -> DenoiserInputs:
        """Return the arguments of `predict`'s forward pass by shape."""
        sides = (size, size) if isinstance(size, int) else size
        return unet_inputs(denoiser, sides, images, dtype, tokens)

    def autoencoder_by_shape(
        self, pipeline: StableDiffusionXLPipeline, size: Size, images: int
    ) -> tuple[StableDiffusionXLPipeline, Tensor]:
        """Build the VAE of its configuration in fp32, in which it always is."""
        return with_new_autoencoder(pipeline, size, images)

    def block_names(self, denoiser: UNet2DConditionModel) -> list[str]:
        """List the down blocks, the middle and the up blocks."""
        down = [f"down_blocks.{number}" for number in range(len(denoiser.down_blocks))]
        up = [f"up_blocks.{number}" for number in range(len(denoiser.up_blocks))]
        return [*down, *(["mid_block"] if denoiser.mid_block is not None else []), *up]


def stored_layout(config: Mapping[str, Any]) -> Layout | None:
    """Read the layout from a UNet's configuration, None where it is no such configuration."""
    try:
        return layout_of(config)
    except (TypeError, KeyError):
        return None


SDXL: ModelFamily = StableDiffusionXL()
