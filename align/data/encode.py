"""Latents and text embeddings: computed once and cached, so the encoders can be released.

Shapes: N images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from align.contracts.image_sizes import Size, place
from align.contracts.prompt_marks import has_marks
from align.data.buckets import NO_SIZES, SizedImage, images_of_pairs, largest
from align.data.cached_rows import CachedRows, Latents, Tensors, WithLast
from align.data.image_files import image_size, open_rgb
from align.data.latent_cache import TensorCache, content_key, fingerprint
from align.data.snapshot import PreferencePair
from align.device import Compute
from align.errors import SnapshotError
from align.families.conditioning import Conditioning, ConditioningRows
from align.families.family import ModelFamily, Pipeline
from align.families.lookup import family_of

ENCODE_BATCH = 16
ENCODE_PIXELS = 2**19
"""Of the images that are encoded at once: SDXL's autoencoder takes some 3 GB of activations for a
million of them, and no less time for an image among several."""
Item = TypeVar("Item", str, SizedImage)
OnProgress = Callable[[int, int], None]


def ignore_progress(done: int, of: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class EncodedPairs:
    """Images, prompts and votes of a run, as tensors: N pairs, their rows in the order given."""

    family: ModelFamily
    """The family of the model that it is encoded for."""
    keys: list[str]
    sizes: list[Size]
    """Per pair, the width and height that both its images are encoded at."""
    latents: Sequence[Tensor]
    """Per image, its latents [C, H, W]; an image of pairs of several sizes is there at each."""
    texts: ConditioningRows
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
    """Per image, the size conditioning of the denoiser: [M, F]."""

    @property
    def largest_size(self) -> Size:
        """Return the width and height of the pairs with the most pixels."""
        return largest(self.sizes)


def encode_pairs(
    pipeline: Pipeline,
    compute: Compute,
    pairs: list[PreferencePair],
    size: tuple[int, int],
    cache: TensorCache,
    on_progress: OnProgress,
    clip_skip: int = 1,
    resolution: int = 0,
    known: Mapping[Path, Size] = NO_SIZES,
) -> EncodedPairs:
    """Encode each image and each prompt that `cache` does not hold yet, once.

    Args:
        size: width and height that the model is made for; pairs are encoded at as many pixels.
        resolution: the side of a square of fewer pixels; 0 for the model's own.
        known: sizes of images that are no files, but are in the cache already.

    Raises SnapshotError for a file that is no image.
    """
    shown = images_of_pairs(pairs, size[0] * size[1], resolution, known)
    images, prompts = shown.every, sorted({pair.text for pair in pairs})
    image_keys = keys_of_images(pipeline, compute, images, known)
    prompt_keys = keys_of_prompts(pipeline, compute, prompts, clip_skip)

    def latents_of(batch: list[SizedImage]) -> list[Tensors]:
        paths = [image.path for image in batch]
        latents_BCHW = encode_images(pipeline, compute, paths, batch[0].size)
        return [{"latent": latent.contiguous()} for latent in latents_BCHW]

    def texts_of(batch: list[str]) -> list[Tensors]:
        embedded = encode_prompts(pipeline, batch, clip_skip)
        return [embedded.row(number) for number in range(len(batch))]

    latents = encode_missing(cache, images, image_keys, latents_of, on_progress)
    prompted = encode_missing(cache, prompts, prompt_keys, texts_of)
    family = family_of(pipeline)
    texts = WithLast(prompted, family.encode_no_prompt(pipeline, clip_skip).row(0))

    image_row = {image: row for row, image in enumerate(images)}
    prompt_row = {prompt: row for row, prompt in enumerate(prompts)}
    return EncodedPairs(
        family=family,
        keys=[pair.key for pair in pairs],
        sizes=[image.size for image in shown.chosen],
        latents=Latents(latents),
        texts=ConditioningRows(texts),
        share_N=torch.tensor([pair.share for pair in pairs]),
        weight_N=torch.tensor([pair.weight for pair in pairs]),
        trust_N=torch.tensor([pair.trust for pair in pairs]),
        liked_2N=torch.tensor([pair.liked for pair in pairs]).T.contiguous(),
        contents=[
            content_key(image_keys[chosen], image_keys[rejected], prompt_keys[pair.text])
            for chosen, rejected, pair in zip(shown.chosen, shown.rejected, pairs, strict=True)
        ],
        chosen=torch.tensor([image_row[image] for image in shown.chosen]),
        rejected=torch.tensor([image_row[image] for image in shown.rejected]),
        prompt=torch.tensor([prompt_row[pair.text] for pair in pairs]),
        size_facts=shown.size_facts(family, images),
    )


def keys_of_images(
    pipeline: Pipeline,
    compute: Compute,
    images: Sequence[SizedImage],
    known: Mapping[Path, Size] = NO_SIZES,
) -> dict[SizedImage, str]:
    """Return a cache key for each image: its bytes, the autoencoder, size, crop and format.

    Those of `known` are named by the hash of their bytes, with their sizes.
    """
    family = family_of(pipeline)
    vae = (fingerprint(family.autoencoder(pipeline)), family.latent_facts(pipeline))
    paths = {image.path for image in images}
    digests = {path: path.stem if path in known else sha256(path) for path in paths}
    is_tiled = getattr(family.autoencoder(pipeline), "use_tiling", False)

    keys = {}
    for image in images:
        placed = place(known.get(image.path) or image_size(image.path), image.size)
        crop = [] if placed.is_whole else [placed.scaled, placed.crop]
        tiles = ["tiled"] if is_tiled else []
        keys[image] = content_key(
            "latent", digests[image.path], vae, image.size, str(compute.weights), *crop, *tiles
        )
    return keys


def keys_of_prompts(
    pipeline: Pipeline, compute: Compute, prompts: Sequence[str], clip_skip: int = 1
) -> dict[str, str]:
    """Return a cache key for each prompt: its text, the encoders and their format."""
    family = family_of(pipeline)
    encoders = [fingerprint(encoder) for encoder in family.text_encoders(pipeline)]
    chunks = family.prompt_chunks(pipeline, prompts)
    skipped = ["clip_skip", clip_skip] if clip_skip != 1 else []
    keys = {}
    for prompt, count in zip(prompts, chunks, strict=True):
        # Caches hold such prompts cut off, or with their marks as words, under the plain key.
        read = ["whole", count] if count > 1 or has_marks(prompt) else []
        parts = (prompt, encoders, str(compute.weights), *read, *skipped)
        keys[prompt] = content_key("text", *parts)
    return keys


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
) -> CachedRows:
    """Return the encoding of each item, from the cache where it is there whole."""
    rows = CachedRows(cache, [keys[item] for item in items])
    missing = [item for row, item in enumerate(items) if not rows.find(row)]
    row_of, done = {item: row for row, item in enumerate(items)}, 0
    if missing:
        on_progress(0, len(missing))
    for batch in encode_batches(missing):
        for item, tensors in zip(batch, encode(batch), strict=True):
            # At once, so that an interrupted run encodes nothing twice.
            rows.put(row_of[item], tensors)
        done += len(batch)
        on_progress(done, len(missing))
    return rows


def encode_batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield items to encode at once: prompts, or images of one size."""

    def size_of(item: Item) -> Size | None:
        return item.size if isinstance(item, SizedImage) else None

    for size, group in groupby(items, size_of):
        alike, most = list(group), images_at_once(size) if size else ENCODE_BATCH
        for start in range(0, len(alike), most):
            yield alike[start : start + most]


def images_at_once(size: Size) -> int:
    """Return how many images of a size are encoded at once."""
    return min(ENCODE_BATCH, max(1, ENCODE_PIXELS // (size[0] * size[1])))


def encode_images(
    pipeline: Pipeline,
    compute: Compute,
    images: Sequence[Path],
    size: tuple[int, int],
    on_progress: OnProgress = ignore_progress,
) -> Tensor:
    """Encode images to scaled latents [N, C, H, W], fp32 on the CPU: the posterior's mean."""
    family, latents = family_of(pipeline), []
    most = images_at_once(size)
    for start in range(0, len(images), most):
        batch = torch.stack([read_image(path, size) for path in images[start:][:most]])
        latents.append(family.encode_images(pipeline, compute, batch))
        on_progress(min(start + most, len(images)), len(images))
    return torch.cat(latents).contiguous()


def read_image(path: Path, size: tuple[int, int]) -> Tensor:
    """Read an image as [3, height, width] in -1..1, scaled and cropped to `size` where it differs.

    Raises:
        SnapshotError: the file is not an image.
    """
    return pixels_of(open_rgb(path), size)


def pixels_of(image: Image.Image, size: tuple[int, int]) -> Tensor:
    """Return an image as `read_image` does."""
    placed = place(image.size, size)
    if image.size != placed.scaled:
        image = image.resize(placed.scaled, Image.Resampling.LANCZOS)
    if not placed.is_whole:
        (left, top), (width, height) = placed.crop, size
        image = image.crop((left, top, left + width, top + height))
    values = torch.from_numpy(np.array(image, dtype=np.float32))
    return values.permute(2, 0, 1) / 127.5 - 1.0


def encode_prompts(pipeline: Pipeline, prompts: Sequence[str], clip_skip: int = 1) -> Conditioning:
    """Encode prompts in batches: a row each, fp32, on the CPU."""
    family = family_of(pipeline)
    starts = range(0, len(prompts), ENCODE_BATCH)
    return Conditioning.cat(
        [
            family.encode_prompts(pipeline, prompts[start:][:ENCODE_BATCH], clip_skip)
            for start in starts
        ]
    )
