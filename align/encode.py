"""Latents and text embeddings: computed once a run, then the encoders can go.

Shapes: N pictures, C latent channels, H x W latent pixels, P prompts, S tokens, D text width,
E pooled width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from torch import Tensor

from align.device import Compute
from align.errors import SnapshotError
from align.files import replacing
from align.snapshot import PreferencePair

ENCODE_BATCH = 16


@dataclass(frozen=True)
class EncodedPairs:
    """Everything a training step needs to know of the data."""

    keys: list[str]
    latents_NCHW: Tensor
    text_PSD: Tensor
    pooled_PE: Tensor
    chosen: Tensor
    """Per pair, the row of its chosen picture in the latents."""
    rejected: Tensor
    prompt: Tensor
    time_ids: Tensor
    """SDXL's six sizes: original, crop and target, the same for every picture of a run."""


def encode_pairs(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    pairs: list[PreferencePair],
    size: tuple[int, int],
    cache: Path,
    on_progress: Callable[[int, int], None],
) -> EncodedPairs:
    """Encode each picture and each prompt once; a resumed run reads them back from `cache`."""
    pictures = sorted({path for pair in pairs for path in (pair.chosen, pair.rejected)})
    prompts = sorted({pair.prompt for pair in pairs})
    tensors = load_file(cache) if cache.exists() else {}
    if not tensors:
        tensors["latents"] = encode_pictures(pipeline, compute, pictures, size, on_progress)
        tensors["text"], tensors["pooled"] = encode_prompts(pipeline, prompts)
        with replacing(cache) as scratch:
            save_file(tensors, scratch)
    picture_row = {path: row for row, path in enumerate(pictures)}
    prompt_row = {prompt: row for row, prompt in enumerate(prompts)}
    width, height = size
    return EncodedPairs(
        keys=[pair.key for pair in pairs],
        latents_NCHW=tensors["latents"],
        text_PSD=tensors["text"],
        pooled_PE=tensors["pooled"],
        chosen=torch.tensor([picture_row[pair.chosen] for pair in pairs]),
        rejected=torch.tensor([picture_row[pair.rejected] for pair in pairs]),
        prompt=torch.tensor([prompt_row[pair.prompt] for pair in pairs]),
        time_ids=torch.tensor([height, width, 0, 0, height, width], dtype=torch.float32),
    )


@torch.no_grad()
def encode_pictures(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    pictures: list[Path],
    size: tuple[int, int],
    on_progress: Callable[[int, int], None],
) -> Tensor:
    """Scaled latents [N, C, H, W], fp32 on the CPU, from the posterior's mean."""
    vae, latents = pipeline.vae, []
    for start in range(0, len(pictures), ENCODE_BATCH):
        batch = torch.stack([read_picture(path, size) for path in pictures[start:][:ENCODE_BATCH]])
        mean_BCHW = vae.encode(batch.to(compute.device)).latent_dist.mean
        latents.append((mean_BCHW * vae.config.scaling_factor).float().cpu())
        on_progress(min(start + ENCODE_BATCH, len(pictures)), len(pictures))
    return torch.cat(latents).contiguous()


def read_picture(path: Path, size: tuple[int, int]) -> Tensor:
    """A picture as [3, height, width] in -1..1, filled and cropped to `size` where it differs.

    Raises:
        SnapshotError: the file is not a picture.
    """
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except OSError as error:
        raise SnapshotError(f"{path} is not a readable picture: {error}.") from None
    if picture.size != size:
        picture = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.array(picture, dtype=np.float32))
    return values.permute(2, 0, 1) / 127.5 - 1.0


@torch.no_grad()
def encode_prompts(
    pipeline: StableDiffusionXLPipeline, prompts: list[str]
) -> tuple[Tensor, Tensor]:
    """Embeddings [P, S, D] and pooled embeddings [P, E] of SDXL's two text encoders, fp32, CPU."""
    text, pooled = [], []
    for start in range(0, len(prompts), ENCODE_BATCH):
        embeds, _, pooled_embeds, _ = pipeline.encode_prompt(
            prompts[start : start + ENCODE_BATCH], do_classifier_free_guidance=False
        )
        text.append(embeds.float().cpu())
        pooled.append(pooled_embeds.float().cpu())
    return torch.cat(text).contiguous(), torch.cat(pooled).contiguous()
