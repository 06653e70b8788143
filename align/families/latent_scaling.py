"""Scaling between an autoencoder's own latents and those of the UNet.

Most SDXL autoencoders only multiply by `scaling_factor`. Some standardize every channel first, by
`latents_mean` and `latents_std`, as the pipeline of diffusers does.

Shapes: N images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from diffusers import AutoencoderKL
from torch import Tensor


def to_unet(autoencoder: AutoencoderKL, latents_NCHW: Tensor) -> Tensor:
    """Scale the encoder's latents for the UNet."""
    mean_1C11, deviation_1C11 = _statistics(autoencoder, latents_NCHW)
    scale = float(autoencoder.config.scaling_factor)
    return (latents_NCHW - mean_1C11) / deviation_1C11 * scale


def from_unet(autoencoder: AutoencoderKL, latents_NCHW: Tensor) -> Tensor:
    """Scale the UNet's latents for the decoder."""
    mean_1C11, deviation_1C11 = _statistics(autoencoder, latents_NCHW)
    scale = float(autoencoder.config.scaling_factor)
    return latents_NCHW * deviation_1C11 / scale + mean_1C11


def scaling_facts(autoencoder: AutoencoderKL) -> list[float | list[float] | None]:
    """Return the settings of an autoencoder that `to_unet` depends on, as plain values."""
    config = autoencoder.config
    names = ("scaling_factor", "latents_mean", "latents_std")
    return [getattr(config, name, None) for name in names]


def _statistics(autoencoder: AutoencoderKL, latents_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Return each channel's mean and deviation, 0 and 1 where the autoencoder has none."""
    _, mean, deviation = scaling_facts(autoencoder)
    if mean is None or deviation is None:
        # The pipeline uses both or neither.
        return latents_NCHW.new_zeros(()), latents_NCHW.new_ones(())
    shape = (1, -1, 1, 1)
    return latents_NCHW.new_tensor(mean).view(shape), latents_NCHW.new_tensor(deviation).view(shape)
