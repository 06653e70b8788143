"""Latent preview: a small image of latents by a linear map to RGB, for a fraction of a decoding.

Shapes: N points, B images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from align.device import Compute
from align.families.family import Pipeline
from align.families.latent_scaling import scaling_facts
from align.families.lookup import family_of

SDXL_SCALING = [0.13025, None, None]
SDXL_FACTORS = (
    (0.3651, 0.4232, 0.4341),
    (-0.2533, -0.0042, 0.1068),
    (0.1076, 0.1111, -0.0362),
    (-0.3165, -0.2492, -0.2188),
)
"""RGB in -1..1 by channel of SDXL's latents, as ComfyUI has them (comfy/latent_formats.py)."""
SDXL_BIAS = (0.1084, -0.0175, -0.0011)
FITTED_IMAGES, FITTED_SIDE, FITTED_BLOBS = 4, 16, 4
"""Latents that are decoded to fit a map: images, and latent pixels and blobs along a side."""
LARGEST_SIDE = 128
JPEG_QUALITY = 80


@dataclass(frozen=True)
class LatentPreview:
    """A linear map from latents to RGB in -1..1, on the CPU."""

    factors_C3: Tensor
    bias_3: Tensor

    def images(self, latents_BCHW: Tensor) -> list[Image.Image]:
        """Return an RGB image of each latent, one pixel for a latent pixel."""
        points_BHWC = latents_BCHW.detach().float().cpu().permute(0, 2, 3, 1)
        rgb_BHW3 = points_BHWC @ self.factors_C3 + self.bias_3
        bytes_BHW3 = ((rgb_BHW3 + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return [Image.fromarray(pixels.numpy()) for pixels in bytes_BHW3]

    def urls(self, latents_BCHW: Tensor) -> list[str]:
        """Return the images as data URLs of small JPEGs."""
        return [data_url(image) for image in self.images(latents_BCHW)]


def preview_of(pipeline: Pipeline, compute: Compute) -> LatentPreview:
    """Return the map for a pipeline's autoencoder: SDXL's published one, else a fitted one."""
    autoencoder = pipeline.vae
    if scaling_facts(autoencoder) == SDXL_SCALING and autoencoder.config.latent_channels == 4:
        return LatentPreview(torch.tensor(SDXL_FACTORS), torch.tensor(SDXL_BIAS))
    return fit_preview(pipeline, compute)


def fit_preview(pipeline: Pipeline, compute: Compute) -> LatentPreview:
    """Fit the map by least squares to a few small latents and what the decoder makes of them.

    The latents are blobs of random colours: alike in size to an image's, and smooth as its areas.
    """
    channels = pipeline.vae.config.latent_channels
    chance = torch.Generator().manual_seed(0)
    blobs_BCHW = torch.randn(FITTED_IMAGES, channels, FITTED_BLOBS, FITTED_BLOBS, generator=chance)
    latents_BCHW = interpolate(blobs_BCHW, size=(FITTED_SIDE, FITTED_SIDE), mode="bilinear")
    latents_BCHW /= latents_BCHW.std()
    with torch.inference_mode():
        on_device = latents_BCHW.to(compute.device)
        decoded = family_of(pipeline).decode_latents(pipeline, compute, on_device).float().cpu()

    rgb_B3HW = adaptive_avg_pool2d(decoded, (FITTED_SIDE, FITTED_SIDE))
    points_NC = latents_BCHW.permute(0, 2, 3, 1).flatten(0, 2)
    rgb_N3 = rgb_B3HW.permute(0, 2, 3, 1).flatten(0, 2)
    with_one = torch.cat([points_NC, torch.ones(len(points_NC), 1)], dim=1)
    solution = torch.linalg.lstsq(with_one, rgb_N3).solution
    return LatentPreview(solution[:-1].clone(), solution[-1].clone())


def data_url(image: Image.Image) -> str:
    """Return an image as the data URL of a JPEG of at most LARGEST_SIDE pixels a side."""
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
