"""Encoding images where memory is short: tile by tile, where one as a whole does not fit."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator

from align.client.run_folder import RunFolder
from align.contracts.image_sizes import Size
from align.device import Compute
from align.device_memory import free_memory
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.sampling.memory.by_shape import peak_bytes
from align.training.fitting.auto_batch import USABLE_FRACTION


def tile_where_short(
    run: RunFolder, accelerator: Accelerator, pipeline: Pipeline, compute: Compute, size: Size
) -> None:
    """Let the autoencoder work tile by tile where an image of this size does not fit as a whole.

    Settled at a run's first start: latents of tiles are others. Main memory is never so short.
    """
    if compute.device.type != "cuda":
        return
    if accelerator.is_main_process:
        fits = encoding_bytes(pipeline, size) <= USABLE_FRACTION * free_memory(compute)
        run.settle({"tiled_encoding": not fits})
    accelerator.wait_for_everyone()
    if run.settled().get("tiled_encoding"):
        family_of(pipeline).tile_autoencoder(pipeline, True)


def encoding_bytes(pipeline: Pipeline, size: Size, tiled: bool = False) -> int:
    """Count the bytes that encoding one image holds at once, besides the weights."""
    family = family_of(pipeline)
    with torch.device("meta"):
        by_shape, _ = family.autoencoder_by_shape(pipeline, size, 1)
        pixels_BCHW = torch.empty(1, 3, size[1], size[0])
    family.tile_autoencoder(by_shape, tiled)
    # Of diffusers' own class, whose methods torch's does not have.
    autoencoder: Any = family.autoencoder(by_shape)
    return peak_bytes(lambda: autoencoder.encode(pixels_BCHW).latent_dist.mean)
