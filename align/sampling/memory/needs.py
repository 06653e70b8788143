"""Bytes of device memory that a pipeline needs to render images of one size, by shape."""

from __future__ import annotations

import torch

from align.contracts.image_sizes import Size
from align.device import Compute
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.sampling.memory.by_shape import peak_bytes
from align.sampling.memory.plan import SizeNeeds, WeightNeeds
from align.sampling.memory.units import streamed_units, weight_bytes

COUNTED_ROWS = 2
"""An image with guidance; what more rows hold grows with their number."""
TOKENS = 77
SMALL_SIZE = (64, 64)
"""Weights are the same for all sizes."""


def weight_needs(pipeline: Pipeline) -> WeightNeeds:
    """Return what the weights of a loaded pipeline take on the card, wherever they are."""
    family = family_of(pipeline)
    denoiser, encoders = family.denoiser(pipeline), family.text_encoders(pipeline)
    units = [[weight_bytes(unit) for unit in streamed_units(n)] for n in (denoiser, *encoders)]
    whole = weight_bytes(denoiser)
    texts = tuple(map(weight_bytes, encoders))
    # Loaded in the format of the others, and in its own once it is placed.
    with torch.device("meta"):
        by_shape, _ = family.autoencoder_by_shape(pipeline, SMALL_SIZE, 1)
    return WeightNeeds(
        whole,
        weight_bytes(family.autoencoder(by_shape)),
        texts,
        max(max(sizes, default=0) for sizes in units),
        whole - sum(units[0]),
        sum(texts) - sum(map(sum, units[1:])),
    )


def size_needs(pipeline: Pipeline, compute: Compute, size: Size) -> SizeNeeds:
    """Count what images of this size need: networks of the same shapes run on the meta device."""
    family, weights = family_of(pipeline), compute.weights
    config = dict(family.denoiser(pipeline).config)
    with torch.device("meta"):
        denoiser = family.build_denoiser(config).to(weights).eval()
        inputs = family.inputs_by_shape(denoiser, size, COUNTED_ROWS, weights, TOKENS)
    passed = peak_bytes(lambda: denoiser(**inputs), compute.autocast)
    return SizeNeeds(
        size,
        -(-passed // COUNTED_ROWS),
        _decode_bytes(pipeline, compute, size, tiled=False),
        _decode_bytes(pipeline, compute, size, tiled=True),
    )


def _decode_bytes(pipeline: Pipeline, compute: Compute, size: Size, tiled: bool) -> int:
    """Count what decoding one image holds at once."""
    family = family_of(pipeline)
    with torch.device("meta"):
        by_shape, latents_BCHW = family.autoencoder_by_shape(pipeline, size, 1)
    family.tile_autoencoder(by_shape, tiled)

    # Torch has no autocast for the meta device; it is counted by shape, and never in fp16.
    on_meta = Compute(torch.device("meta"), compute.weights, None)
    products = None if compute.autocast == torch.float16 else compute.autocast
    return peak_bytes(lambda: family.decode_latents(by_shape, on_meta, latents_BCHW), products)
