"""Latents of the images that the denoiser is trained on, encoded once.

Shapes: P images, V variants, B images of a batch, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from align.data.encode import sha256
from align.emoji.autoencoder import FILE, load_autoencoder, to_signal
from align.emoji.emoji_images import (
    BACKGROUNDS,
    LABELS,
    EmojiImage,
    EmojiImages,
    NoImages,
    compose,
    read_images,
    read_labels,
    sample_corner,
)
from align.emoji.settings import DataSettings, EmojiSettings
from align.emoji.training_loop import training_compute
from align.files import read_json, write_json

ARRAY, FACTS = "latents.npy", "latents.json"
SAVE_SECONDS = 60.0
STATISTICS_IMAGES = 2000
"""Images for the mean and standard deviation of the latents."""


@dataclass(frozen=True)
class Latents:
    """Latents of all images, each on several backgrounds."""

    rows: list[EmojiImage]
    latents_PVCHW: np.ndarray
    mean_C: Tensor
    std_C: Tensor
    autoencoder: str
    """SHA-256 of the checkpoint that encoded them."""
    chosen: list[int]
    """Indices of the subjects that the model is for."""

    def normal(self, raw_BCHW: np.ndarray) -> Tensor:
        """Normalize latents to zero mean and unit standard deviation in every channel."""
        shape = (1, -1, 1, 1)
        raw = torch.from_numpy(raw_BCHW.astype(np.float32))
        return (raw - self.mean_C.view(shape)) / self.std_C.view(shape)


def background_of(variant: int) -> str:
    """Return the background of an image's variant."""
    return list(BACKGROUNDS)[variant % len(BACKGROUNDS)]


def encode_all(work: Path, settings: EmojiSettings) -> Latents:
    """Encode the images of a working folder that are not encoded yet, and return all latents."""
    images, labels = read_images(work), set(read_labels(work))
    numbers_P = images.where(learned=True)
    if settings.denoiser.everything == 0:
        numbers_P = numbers_P[indices_of([images.rows[n] for n in numbers_P], labels)]
    network = load_autoencoder(work, settings)

    # Latents of other weights, images or settings are encoded anew.
    autoencoder = sha256(work / FILE)
    source = f"{autoencoder}-{len(numbers_P)}-{settings.data}"
    facts = read_json(work / FACTS) or {}
    done = facts["done"] if facts.get("source") == source else 0
    array = _open(work / ARRAY, (len(numbers_P), settings.denoiser.variants), network, done)

    saved = started = time.monotonic()
    for index in range(done, len(numbers_P)):
        array[index] = _encode(network, images, int(numbers_P[index]), settings)
        now = time.monotonic()
        if now - saved > SAVE_SECONDS or index + 1 == len(numbers_P):
            saved = now
            # Pixels first: the count must not promise what a crash would lose.
            array.flush()
            write_json(work / FACTS, {"source": source, "done": index + 1})
            left = (now - started) / (index + 1 - done) * (len(numbers_P) - index - 1) / 60
            print(f"latents of {index + 1:,} of {len(numbers_P):,} images, {left:.0f} min left")

    sampled = torch.from_numpy(array[:: max(1, len(array) // STATISTICS_IMAGES)].astype(np.float32))
    mean_C, std_C = sampled.mean((0, 1, 3, 4)), sampled.std((0, 1, 3, 4))
    rows = [images.rows[number] for number in numbers_P]
    return Latents(rows, array, mean_C, std_C, autoencoder, indices_of(rows, labels))


def indices_of(rows: list[EmojiImage], labels: Collection[str]) -> list[int]:
    """Return the indices of images of these subjects.

    Raises:
        NoImages: there are none.
    """
    if indices := [index for index, row in enumerate(rows) if row.label in labels]:
        return indices
    raise NoImages(f"There is no image of any subject in {LABELS}.")


def _open(path: Path, size: tuple[int, int], network: AutoencoderKL, done: int) -> np.memmap:
    if done:
        return np.lib.format.open_memmap(path, mode="r+")
    side = network.config.sample_size // 2 ** (len(network.config.block_out_channels) - 1)
    shape = (*size, network.config.latent_channels, side, side)
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


@torch.no_grad()
def _encode(
    network: AutoencoderKL, images: EmojiImages, number: int, settings: EmojiSettings
) -> np.ndarray:
    """Encode all variants of one image."""
    compute = training_compute()
    composed_VHW3 = compose_variants(images, number, settings.data, settings.denoiser.variants)
    signal_VCHW = to_signal(composed_VHW3).to(compute.device)
    with compute.autocasting():
        mean_VCHW = network.encode(signal_VCHW).latent_dist.mean
    encoded: np.ndarray = mean_VCHW.float().cpu().numpy()
    return encoded


def compose_variants(
    images: EmojiImages, number: int, data: DataSettings, variants: int
) -> np.ndarray:
    """Compose an image on each background in turn, at positions seeded by its number."""
    random = np.random.default_rng((data.seed, number))
    row, rgba_HW4 = images.rows[number], images.rgba_NHW4[number]
    return np.stack(
        [
            compose(rgba_HW4, row.style, background_of(v), sample_corner(random, data), data.side)
            for v in range(variants)
        ]
    )
