"""Denoiser: the UNet and both text encoders, trained together to remove noise from latents.

Shapes: B images, S tokens, D text width, E pooled width, C channels, H x W latent pixels,
T timesteps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from align.diffusion.noise import counter_key
from align.diffusion.schedules import corrupt
from align.emoji.captions import sample_caption
from align.emoji.latents import Latents, background_of, encode_all
from align.emoji.settings import DenoiserSettings, EmojiSettings
from align.emoji.start import interpolate_weights, load_fitting_weights
from align.emoji.tokenizer import load_tokenizer, token_ids
from align.emoji.training_loop import NotTrained, load_averaged, train, training_compute
from align.families.conditioning import Conditioning
from align.families.sdxl import POOLED, SDXL, TEXT
from align.files import read_json, write_json

FILE, LATENT_STATS = "denoiser.pt", "denoiser.json"
TRAINED_PARTS = ("unet", "text_encoder", "text_encoder_2")
SIZE_WIDTH = 8
"""Embedding width of each of SDXL's six sizes."""


class Denoiser(nn.Module):
    """The parts of the pipeline that are trained together."""

    def __init__(self, settings: EmojiSettings, tokens: int, side: int) -> None:
        super().__init__()
        text = text_config(settings.denoiser, tokens, settings.tokenizer.length)
        self.text_encoder = CLIPTextModel(text)
        self.text_encoder_2 = CLIPTextModelWithProjection(text)
        self.unet = build_unet(settings.denoiser, side, settings.autoencoder.latent_channels)

    def embed(self, ids_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Encode text as the pipeline does for the UNet: [B, S, D] and, pooled, [B, E]."""
        first = self.text_encoder(ids_BS, output_hidden_states=True)
        second = self.text_encoder_2(ids_BS, output_hidden_states=True)
        text_BSD = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
        return text_BSD, second.text_embeds

    def forward(
        self, noisy_BCHW: Tensor, timesteps_B: Tensor, ids_BS: Tensor, kept_B: Tensor, size: int
    ) -> Tensor:
        """Return the UNet's prediction for noisy latents; `kept_B` 0 drops the caption."""
        text_BSD, pooled_BE = self.embed(ids_BS)
        text = Conditioning({TEXT: text_BSD * kept_B[:, None, None],
                             POOLED: pooled_BE * kept_B[:, None]})  # fmt: skip
        size_facts = SDXL.size_facts((size, size)).to(noisy_BCHW.device)
        return SDXL.predict(self.unet, noisy_BCHW, timesteps_B, SDXL.with_size(text, size_facts))


def text_config(settings: DenoiserSettings, tokens: int, length: int) -> CLIPTextConfig:
    """Return the configuration of both text encoders."""
    return CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=settings.text_width,
        intermediate_size=4 * settings.text_width,
        projection_dim=settings.text_width,
        num_hidden_layers=settings.text_layers,
        num_attention_heads=settings.text_heads,
        max_position_embeddings=length,
        hidden_act="gelu",
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def build_unet(settings: DenoiserSettings, side: int, channels: int) -> UNet2DConditionModel:
    """Build an untrained UNet in SDXL's form: size conditioning, no attention at full size."""
    deeper = len(settings.channels) - 1
    return UNet2DConditionModel(
        sample_size=side,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=settings.channels,
        layers_per_block=settings.layers,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * deeper,
        up_block_types=("CrossAttnUpBlock2D",) * deeper + ("UpBlock2D",),
        transformer_layers_per_block=settings.transformers,
        # The argument's name is wrong: diffusers takes it as the number of heads.
        attention_head_dim=settings.heads,
        use_linear_projection=True,
        norm_num_groups=settings.groups,
        cross_attention_dim=2 * settings.text_width,
        addition_embed_type="text_time",
        addition_time_embed_dim=SIZE_WIDTH,
        projection_class_embeddings_input_dim=settings.text_width + 6 * SIZE_WIDTH,
    )


def noise_schedule(settings: DenoiserSettings) -> DDPMScheduler:
    """Return SDXL's noise schedule, with zero terminal SNR where the settings say so."""
    return DDPMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=settings.prediction,
        rescale_betas_zero_snr=settings.no_signal_at_end,
        timestep_spacing="trailing",
    )


def train_denoiser(work: Path, settings: EmojiSettings) -> None:
    """Train UNet and text encoders of a working folder, from their last checkpoint on."""
    config, size = settings.denoiser, settings.data.side
    compute, tokenizer = training_compute(), load_tokenizer(work)
    latents, schedule = encode_all(work, settings), noise_schedule(config)
    write_latent_stats(work, latents)

    weight_T = step_weights(schedule, config.snr_limit)
    torch.manual_seed(config.loop.seed)
    network = Denoiser(settings, len(tokenizer), latents.latents_PVCHW.shape[-1])
    load_fitting_weights(trained_parts(network), settings.start)
    network.to(compute.device)
    unstyled = replace(config, captions=replace(config.captions, style=0.0))
    share = style_guidance_share(config.style_guidance)

    def unstyled_ids(step: int) -> Tensor | None:
        if not share:
            return None
        # The same step gives the same random numbers, so only the styles are missing.
        return torch.tensor(token_ids(tokenizer, sample_batch(latents, unstyled, step)[1]))

    def loss(step: int) -> Tensor:
        clean_BCHW, captions = sample_batch(latents, config, step)
        ids_BS = torch.tensor(token_ids(tokenizer, captions))

        random = torch.Generator().manual_seed(counter_key(config.loop.seed, "noise", step))
        noise_BCHW = torch.randn(clean_BCHW.shape, generator=random)
        timesteps_B = sample_timesteps(len(clean_BCHW), len(weight_T), random, config.noisier)
        kept_B = (torch.rand(len(clean_BCHW), generator=random) >= config.drop_condition).float()
        noisy_BCHW, target_BCHW = corrupt(schedule, clean_BCHW, noise_BCHW, timesteps_B)

        inputs = [tensor.to(compute.device) for tensor in (noisy_BCHW, timesteps_B, ids_BS, kept_B)]
        with compute.autocasting():
            predicted_BCHW = network(*inputs, size).float()
            difference_BCHW = style_difference(
                network, inputs, predicted_BCHW, unstyled_ids(step), size
            )

        target_BCHW = target_BCHW.to(compute.device) + share * difference_BCHW
        error_B = (predicted_BCHW - target_BCHW).square().mean(dim=(1, 2, 3))
        loss: Tensor = (error_B * weight_T[timesteps_B].to(compute.device)).mean()
        return loss

    train(network, config.loop, work / FILE, loss)


def style_guidance_share(times: float) -> float:
    """Return the share of the style difference to add to the target, to amplify it by `times`.

    Where v* = v + s (v* - v_bare), v* - v_bare is 1 / (1 - s) times v - v_bare.
    """
    return 1 - 1 / times


@torch.no_grad()
def style_difference(
    network: Denoiser,
    inputs: Sequence[Tensor],
    predicted_BCHW: Tensor,
    unstyled_BS: Tensor | None,
    size: int,
) -> Tensor:
    """Return predictions minus those for the same captions without a style.

    Added to the target, guidance towards the style is trained instead of rendered with, as Tang et
    al. 2025 (arXiv 2502.12154) do with the whole prompt. Zero where no style is named.

    Args:
        inputs: of the predictions: noisy latents, timesteps, token ids, captions kept or not.
        unstyled_BS: the same captions' ids without styles; None is no guidance.
    """
    difference_BCHW = torch.zeros_like(predicted_BCHW)
    if unstyled_BS is None:
        return difference_BCHW
    noisy_BCHW, timesteps_B, ids_BS, kept_B = inputs
    unstyled_BS = unstyled_BS.to(ids_BS.device)
    named_B = (ids_BS != unstyled_BS).any(dim=1) & kept_B.bool()
    if named_B.any():
        part = (noisy_BCHW, timesteps_B, unstyled_BS, kept_B)
        plain_BCHW = network(*(tensor[named_B] for tensor in part), size).float()
        difference_BCHW[named_B] = predicted_BCHW[named_B] - plain_BCHW
    return difference_BCHW


def write_latent_stats(work: Path, latents: Latents) -> None:
    """Write mean and spread of the denoiser's latents, for its export.

    Raises:
        NotTrained: its training began on latents of another autoencoder.
    """
    stored = read_json(work / LATENT_STATS)
    if (work / FILE).exists() and stored and stored["autoencoder"] != latents.autoencoder:
        raise NotTrained(
            f"The autoencoder has changed since the denoiser began. Delete {FILE} to begin again."
        )
    units = {"mean": latents.mean_C.tolist(), "std": latents.std_C.tolist()}
    side = latents.latents_PVCHW.shape[-1]
    write_json(work / LATENT_STATS, {"autoencoder": latents.autoencoder, "side": side, **units})


def sample_batch(
    latents: Latents, settings: DenoiserSettings, step: int
) -> tuple[Tensor, list[str]]:
    """Sample the latents of a step and their captions."""
    random = np.random.default_rng((settings.loop.seed, step))
    variants = latents.latents_PVCHW.shape[1]
    late = step >= settings.everything * settings.loop.steps
    indices = latents.chosen if late else range(len(latents.rows))
    indices_B = random.choice(indices, size=settings.loop.batch)
    variants_B = random.integers(variants, size=settings.loop.batch)
    captions = [
        sample_caption(random, latents.rows[index], background_of(int(variant)), settings.captions)
        for index, variant in zip(indices_B, variants_B, strict=True)
    ]
    return latents.normal(latents.latents_PVCHW[indices_B, variants_B]), captions


def sample_timesteps(
    count: int, timesteps: int, random: torch.Generator, noisier: float = 1.0
) -> Tensor:
    """Sample one timestep from each of `count` equal strata, so that every batch covers all.

    `noisier` shifts them towards the noisy end, as in Esser et al. 2024 (arXiv 2403.03206, section
    5.3.2): subject and style are decided there.
    """
    level_B = (torch.arange(count) + torch.rand(count, generator=random)) / count
    moved_B = noisier * level_B / (1 + (noisier - 1) * level_B)
    return (moved_B * timesteps).long().clamp(max=timesteps - 1)


def step_weights(schedule: DDPMScheduler, limit: float) -> Tensor:
    """Return the loss weights of the timesteps, [T]: full for much noise, less for little.

    Min-SNR (Hang et al. 2023, arXiv 2303.09556) on the clean image's error. Unlike there, the
    noisiest steps of v-prediction keep their weight: these decide the background.
    """
    signal_T = schedule.alphas_cumprod.clamp(1e-8, 1 - 1e-8)
    snr_T = signal_T / (1 - signal_T)
    if limit <= 0:
        return torch.ones_like(snr_T)
    own_T = snr_T + 1 if schedule.config.prediction_type == "v_prediction" else snr_T
    weights_T: Tensor = (limit / own_T).clamp(max=1.0)
    return weights_T


def load_denoiser(
    work: Path, settings: EmojiSettings, tokenizer: CLIPTokenizer, side: int
) -> Denoiser:
    """Load the averaged weights of a working folder's denoiser, blended with the earlier model's.

    Raises:
        NotTrained: there is no checkpoint yet.
        ModelNotFound, WrongModel, BrokenModel: the start is needed and cannot be loaded.
    """
    network = Denoiser(settings, len(tokenizer), side)
    load_averaged(network, work / FILE)
    interpolate_weights(trained_parts(network), settings.start, settings.denoiser.start_share)
    return network


def trained_parts(network: Denoiser) -> dict[str, nn.Module]:
    """Return the networks by their names in a pipeline."""
    return {name: getattr(network, name) for name in TRAINED_PARTS}
