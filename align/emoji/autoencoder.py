"""Autoencoder: 128×128 images to 16×16 latents, and back.

Shapes: B images, C channels, H x W pixels or latent pixels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn
from torch.nn import functional as F

from align.data.encode import sha256
from align.diffusion.noise import counter_key
from align.emoji.emoji_images import EmojiImages, compose_batch, read_images
from align.emoji.settings import AutoencoderSettings, DataSettings, EmojiSettings
from align.emoji.start import load_fitting_weights
from align.emoji.training_loop import NotTrained, load_averaged, train, training_compute
from align.files import read_json, write_json

FILE, DECODER, FACTS = "autoencoder.pt", "decoder.pt", "decoder.json"
SCALING = 0.13025
"""SDXL's own factor: the pipeline divides latents by it before they are decoded."""
PSNR_IMAGES, BATCH_SIZE = 500, 16
SCALES = 3
"""Gradients are compared at full, half and quarter size."""


def build(settings: AutoencoderSettings, side: int) -> AutoencoderKL:
    """Build an untrained autoencoder, without attention, so that it can be trained on crops."""
    count = len(settings.channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * count,
        up_block_types=("UpDecoderBlock2D",) * count,
        block_out_channels=settings.channels,
        layers_per_block=settings.layers,
        latent_channels=settings.latent_channels,
        norm_num_groups=settings.groups,
        sample_size=side,
        scaling_factor=SCALING,
        mid_block_add_attention=False,
    )


def train_autoencoder(work: Path, settings: EmojiSettings) -> None:
    """Train the autoencoder of a working folder, from its last checkpoint on."""
    config, images = settings.autoencoder, read_images(work)
    compute = training_compute()
    torch.manual_seed(config.loop.seed)
    network = build(config, settings.data.side)
    load_fitting_weights({"vae": network}, settings.start)
    network.to(compute.device, memory_format=torch.channels_last)

    def loss(step: int) -> Tensor:
        numpy_BHW3 = sample_crops(images, settings.data, config, step)
        image_BCHW = to_signal(numpy_BHW3).to(compute.device, memory_format=torch.channels_last)
        noise = torch.Generator().manual_seed(counter_key(config.loop.seed, "posterior", step))
        with compute.autocasting():
            posterior = in_fp32(network.encode(image_BCHW).latent_dist)
            latent_BCHW = sample(posterior, noise)
            decoded_BCHW = network.decode(latent_BCHW).sample
        return reconstruction_loss(decoded_BCHW.float(), image_BCHW, posterior, config)

    train(network, config.loop, work / FILE, loss)
    _print_psnr(work, settings, images)


def _print_psnr(work: Path, settings: EmojiSettings, images: EmojiImages) -> None:
    ratio = psnr(load_autoencoder(work, settings), images, settings.data)
    print(f"{ratio:.2f} dB on {PSNR_IMAGES} images that it never saw")


class DecoderHalf(nn.Module):
    """Decoding half of an autoencoder, which shares its weights."""

    def __init__(self, autoencoder: AutoencoderKL) -> None:
        super().__init__()
        self.post_quant_conv = autoencoder.post_quant_conv
        self.decoder = autoencoder.decoder

    def forward(self, latent_BCHW: Tensor) -> Tensor:
        """Decode latents as the whole autoencoder's `decode` does."""
        image_BCHW: Tensor = self.decoder(self.post_quant_conv(latent_BCHW))
        return image_BCHW


def train_decoder(work: Path, settings: EmojiSettings) -> None:
    """Train the decoder of a working folder further, from its last checkpoint on.

    The encoder stays, so that the denoiser's latents stay valid.
    """
    images, compute = read_images(work), training_compute()
    # Whole images: group norms see other statistics in crops.
    config = replace(
        settings.autoencoder, crop=settings.data.side, loop=settings.autoencoder.decoder
    )
    network = _with_first_decoder(work, settings)
    decoder = DecoderHalf(network).requires_grad_(True).train()

    def loss(step: int) -> Tensor:
        numpy_BHW3 = sample_crops(images, settings.data, config, step)
        image_BCHW = to_signal(numpy_BHW3).to(compute.device, memory_format=torch.channels_last)
        with compute.autocasting():
            with torch.no_grad():
                latent_BCHW = network.encode(image_BCHW).latent_dist.mean
            decoded_BCHW = decoder(latent_BCHW)
        return image_error(decoded_BCHW.float() - image_BCHW, config)

    # Before the training: a decoder must never be taken for that of another autoencoder.
    write_json(work / FACTS, {"autoencoder": sha256(work / FILE)})
    train(decoder, config.loop, work / DECODER, loss)
    _print_psnr(work, settings, images)


def sample_crops(
    images: EmojiImages, data: DataSettings, settings: AutoencoderSettings, step: int
) -> np.ndarray:
    """Sample the images of a step: crops at first, whole images at the end."""
    random = np.random.default_rng((settings.loop.seed, step))
    is_whole = step >= (1 - settings.whole) * settings.loop.steps
    side = data.side if is_whole else settings.crop
    # As many pixels in whole images as in crops, so that every step costs the same.
    size = max(1, settings.loop.batch * settings.crop**2 // side**2)

    numbers_B = random.choice(images.where(held_out=False), size)
    whole_BHW3 = compose_batch(images, numbers_B, random, data)
    corners_B2 = random.integers(0, data.side - side + 1, size=(size, 2))
    return np.stack(
        [
            image[row : row + side, column : column + side]
            for image, (row, column) in zip(whole_BHW3, corners_B2, strict=True)
        ]
    )


def reconstruction_loss(
    decoded_BCHW: Tensor,
    image_BCHW: Tensor,
    posterior: DiagonalGaussianDistribution,
    settings: AutoencoderSettings,
) -> Tensor:
    """Return the image error plus the weighted KL divergence per latent number."""
    loss = image_error(decoded_BCHW - image_BCHW, settings)
    divergence: Tensor = settings.divergence * posterior.kl().mean() / posterior.mean[0].numel()
    return loss + divergence


def image_error(error_BCHW: Tensor, settings: AutoencoderSettings) -> Tensor:
    """Return the weighted absolute, squared and gradient errors of a difference of images."""
    loss = error_BCHW.abs().mean() + settings.squares * error_BCHW.square().mean()
    return loss + settings.gradients * difference_error(error_BCHW)


def difference_error(error_BCHW: Tensor) -> Tensor:
    """Return the mean absolute error of horizontal and vertical gradients, summed over scales.

    Gradients are linear, so those of the error are the errors of the gradients.
    """
    total = error_BCHW.new_zeros(())
    for _ in range(SCALES):
        total = total + error_BCHW.diff(dim=-1).abs().mean() + error_BCHW.diff(dim=-2).abs().mean()
        error_BCHW = F.avg_pool2d(error_BCHW, 2)
    return total


def in_fp32(posterior: DiagonalGaussianDistribution) -> DiagonalGaussianDistribution:
    """Return a posterior in fp32: its KL divergence and samples need the precision."""
    return DiagonalGaussianDistribution(posterior.parameters.float())


def sample(posterior: DiagonalGaussianDistribution, generator: torch.Generator) -> Tensor:
    """Sample latents from a posterior, with the same noise on every device."""
    noise_BCHW = torch.randn(posterior.mean.shape, generator=generator)
    latents_BCHW: Tensor = posterior.mean + posterior.std * noise_BCHW.to(posterior.mean)
    return latents_BCHW


@torch.no_grad()
def psnr(network: AutoencoderKL, images: EmojiImages, data: DataSettings) -> float:
    """Return the mean PSNR in dB of held-out images that were encoded and decoded."""
    compute, random = training_compute(), np.random.default_rng(0)
    numbers = random.permutation(np.resize(images.where(held_out=True), PSNR_IMAGES))
    ratios: list[float] = []

    for start in range(0, len(numbers), BATCH_SIZE):
        composed_BHW3 = compose_batch(images, numbers[start : start + BATCH_SIZE], random, data)
        image_BCHW = to_signal(composed_BHW3).to(compute.device)
        with compute.autocasting():
            latent_BCHW = network.encode(image_BCHW).latent_dist.mean
            decoded_BCHW = network.decode(latent_BCHW).sample.float().clamp(-1, 1)
        error_B = (decoded_BCHW - image_BCHW).square().mean(dim=(1, 2, 3))
        # Values reach from -1 to 1, so the peak is 2.
        ratios += (10 * torch.log10(4 / error_B.clamp(min=1e-8))).tolist()
    return float(np.mean(ratios))


def load_autoencoder(work: Path, settings: EmojiSettings) -> AutoencoderKL:
    """Load the averaged weights of a working folder's autoencoder, with its final decoder.

    Raises:
        NotTrained: there is none yet, or the decoder was trained for another one.
    """
    network = _with_first_decoder(work, settings)
    if (work / DECODER).exists():
        if (read_json(work / FACTS) or {}).get("autoencoder") != sha256(work / FILE):
            raise NotTrained(f"{DECODER} is of another autoencoder. Delete it to go on.")
        load_averaged(DecoderHalf(network), work / DECODER)
    return network


def _with_first_decoder(work: Path, settings: EmojiSettings) -> AutoencoderKL:
    """Load the autoencoder as it was before its decoder was trained further."""
    return load_averaged(build(settings.autoencoder, settings.data.side), work / FILE)


def to_signal(images_BHW3: np.ndarray) -> Tensor:
    """Convert images of bytes to the networks' -1..1, channels first."""
    return torch.from_numpy(images_BHW3).permute(0, 3, 1, 2).float() / 127.5 - 1
