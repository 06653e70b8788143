"""Latents and text embeddings: computed once and cached, so the encoders can be released.

Shapes: N images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from align.data.image_files import open_rgb
from align.data.latent_cache import TensorCache, content_key, fingerprint
from align.data.snapshot import PreferencePair
from align.device import Compute
from align.errors import SnapshotError
from align.families.family import Conditioning, ModelFamily, Pipeline
from align.families.lookup import family_of

ENCODE_BATCH = 16
Item = TypeVar("Item", str, Path)
Tensors: TypeAlias = dict[str, Tensor]
OnProgress = Callable[[int, int], None]


def ignore_progress(done: int, of: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class EncodedPairs:
    """Images, prompts and votes of a run, as tensors: N pairs, their rows in the order given."""

    family: ModelFamily
    """The family of the model that it is encoded for."""
    keys: list[str]
    latents_NCHW: Tensor
    texts: Conditioning
    """One row per prompt; the last row is no prompt, as on the unconditional side of guidance."""
    chosen: Tensor
    """Per pair, the row of its chosen image in the latents."""
    rejected: Tensor
    prompt: Tensor
    share_N: Tensor
    """Per pair, the share of votes for its chosen image."""
    weight_N: Tensor
    trust_N: Tensor
    """Per pair, the weight of its voter's votes, in 0..1."""
    liked_2N: Tensor
    """Per pair, +1 for an image that is wanted and -1 for another: row 0 is the chosen ones."""
    contents: list[str]
    """Per pair, a hash of its images and prompt as the denoiser is given them."""
    size_facts: Tensor
    """Size conditioning of the denoiser, the same for every image of a run."""


def encode_pairs(
    pipeline: Pipeline,
    compute: Compute,
    pairs: list[PreferencePair],
    size: tuple[int, int],
    cache: TensorCache,
    on_progress: OnProgress,
) -> EncodedPairs:
    """Encode each image and each prompt that `cache` does not hold yet, once.

    Raises:
        SnapshotError: a file cannot be read, or is not an image.
    """
    # Sorted, so that rows do not depend on the order of votes.
    images = sorted({path for pair in pairs for path in (pair.chosen, pair.rejected)})
    prompts = sorted({pair.prompt for pair in pairs})
    image_keys = keys_of_images(pipeline, compute, images, size)
    prompt_keys = keys_of_prompts(pipeline, compute, prompts)

    def latents_of(batch: list[Path]) -> list[Tensors]:
        latents_BCHW = encode_images(pipeline, compute, batch, size)
        return [{"latent": latent.contiguous()} for latent in latents_BCHW]

    def texts_of(batch: list[str]) -> list[Tensors]:
        embedded = encode_prompts(pipeline, batch)
        return [embedded.row(number) for number in range(len(batch))]

    latents = encode_missing(cache, images, image_keys, latents_of, on_progress)
    texts = encode_missing(cache, prompts, prompt_keys, texts_of)
    family = family_of(pipeline)
    bare = family.encode_no_prompt(pipeline)

    image_row = {path: row for row, path in enumerate(images)}
    prompt_row = {prompt: row for row, prompt in enumerate(prompts)}
    return EncodedPairs(
        family=family,
        keys=[pair.key for pair in pairs],
        latents_NCHW=torch.stack([kept["latent"] for kept in latents]),
        texts=Conditioning.stack([*texts, bare.row(0)]),
        share_N=torch.tensor([pair.share for pair in pairs]),
        weight_N=torch.tensor([pair.weight for pair in pairs]),
        trust_N=torch.tensor([pair.trust for pair in pairs]),
        liked_2N=torch.tensor([pair.liked for pair in pairs]).T.contiguous(),
        contents=[
            content_key(image_keys[p.chosen], image_keys[p.rejected], prompt_keys[p.prompt])
            for p in pairs
        ],
        chosen=torch.tensor([image_row[pair.chosen] for pair in pairs]),
        rejected=torch.tensor([image_row[pair.rejected] for pair in pairs]),
        prompt=torch.tensor([prompt_row[pair.prompt] for pair in pairs]),
        size_facts=family.size_facts(size),
    )


def keys_of_images(
    pipeline: Pipeline,
    compute: Compute,
    images: Sequence[Path],
    size: tuple[int, int],
) -> dict[Path, str]:
    """Return a cache key for each image: its bytes, the autoencoder, size and format."""
    family = family_of(pipeline)
    vae = (fingerprint(family.autoencoder(pipeline)), family.latent_facts(pipeline))
    return {
        path: content_key("latent", sha256(path), vae, size, str(compute.weights))
        for path in images
    }


def keys_of_prompts(pipeline: Pipeline, compute: Compute, prompts: Sequence[str]) -> dict[str, str]:
    """Return a cache key for each prompt: its text, the encoders and their format."""
    encoders = [fingerprint(encoder) for encoder in family_of(pipeline).text_encoders(pipeline)]
    return {
        prompt: content_key("text", prompt, encoders, str(compute.weights)) for prompt in prompts
    }


def sha256(path: Path) -> str:
    """Hash a file's content; raises SnapshotError where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror or error}.") from None


def encode_missing(
    cache: TensorCache,
    items: Sequence[Item],
    keys: dict[Item, str],
    encode: Callable[[list[Item]], list[Tensors]],
    on_progress: OnProgress = ignore_progress,
) -> list[Tensors]:
    """Return the encoding of each item, from the cache where it is there whole."""
    known = {item: kept for item in items if (kept := cache.get(keys[item])) is not None}
    missing = [item for item in items if item not in known]
    for start in range(0, len(missing), ENCODE_BATCH):
        batch = missing[start : start + ENCODE_BATCH]
        for item, tensors in zip(batch, encode(batch), strict=True):
            # At once, so that an interrupted run encodes nothing twice.
            cache.put(keys[item], tensors)
            known[item] = tensors
        on_progress(start + len(batch), len(missing))
    return [known[item] for item in items]


def encode_images(
    pipeline: Pipeline,
    compute: Compute,
    images: Sequence[Path],
    size: tuple[int, int],
    on_progress: OnProgress = ignore_progress,
) -> Tensor:
    """Encode images to scaled latents [N, C, H, W], fp32 on the CPU: the posterior's mean."""
    family, latents = family_of(pipeline), []
    for start in range(0, len(images), ENCODE_BATCH):
        batch = torch.stack([read_image(path, size) for path in images[start:][:ENCODE_BATCH]])
        latents.append(family.encode_images(pipeline, compute, batch))
        on_progress(min(start + ENCODE_BATCH, len(images)), len(images))
    return torch.cat(latents).contiguous()


def read_image(path: Path, size: tuple[int, int]) -> Tensor:
    """Read an image as [3, height, width] in -1..1, scaled and cropped to `size` where it differs.

    Raises:
        SnapshotError: the file is not an image.
    """
    image = open_rgb(path)
    if image.size != size:
        image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.array(image, dtype=np.float32))
    return values.permute(2, 0, 1) / 127.5 - 1.0


def encode_prompts(pipeline: Pipeline, prompts: Sequence[str]) -> Conditioning:
    """Encode prompts in batches: a row each, fp32, on the CPU."""
    family = family_of(pipeline)
    starts = range(0, len(prompts), ENCODE_BATCH)
    return Conditioning.cat(
        [family.encode_prompts(pipeline, prompts[start:][:ENCODE_BATCH]) for start in starts]
    )
