"""Tell UNets apart by the shapes of their weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from align.client.architectures import unets
from align.client.architectures.architecture import Architecture
from align.client.architectures.parts import Parts

Shapes = Mapping[str, tuple[int, ...]]
UNET_PREFIXES = ("down_blocks_", "up_blocks_", "mid_block_", "input_blocks_", "output_blocks_",
                 "middle_block_")  # fmt: skip
TEXT_LAYERS = ("attn2_to_k", "attn2_to_v")
INPUTS, OUTPUTS = ("input_blocks_0_0", "conv_in"), ("out_2", "conv_out")
MICRO_CONDITIONS = ("label_emb_0_0", "add_embedding_linear_1")
"""The layer that takes SDXL's sizes and its pooled text."""
KOLORS_CONDITIONS = 5632
"""Width of what Kolors's takes; SDXL's is 2,816."""
CHANNELS = {8: unets.EDITING, 9: unets.INPAINTING}
DOWN_TRANSFORMER = re.compile(
    r"(?:input_blocks_\d+_1|down_blocks_\d+_attentions_\d+)_transformer_blocks_(\d{1,6})_"
)
FOURTH_LEVEL = ("down_blocks_3_", "up_blocks_3_", "input_blocks_9_", "output_blocks_9_")
BY_ENCODERS = (
    ("conditioner.embedders.1.", unets.SDXL),
    ("conditioner.embedders.0.model.", unets.REFINER),
    ("cond_stage_model.transformer.", unets.SD_1),
    ("cond_stage_model.model.", unets.SD_2),
)
"""UNets by their text encoders, where no shape is known."""


def is_unet(names: Iterable[str]) -> bool:
    """Return whether layers are a UNet's, by their names without prefixes."""
    return any(name.startswith(UNET_PREFIXES) for name in names)


def unet_of(parts: Parts, edm: bool) -> Architecture | None:
    """Return the architecture of a UNet; None for another denoiser or an unknown one.

    Args:
        parts: of the file.
        edm: the file holds the mean and deviation of latents, as Playground's does.
    """
    names = parts.denoiser
    if not is_unet(names):
        return None
    for video in unets.VIDEO_UNETS:
        if any(marks.are_in(parts.text) for marks in video.layers):
            return video

    conditions = _first(names, MICRO_CONDITIONS)
    if "encoder_hid_proj" in names or conditions[1:] == (KOLORS_CONDITIONS,):
        return unets.KOLORS
    width = text_width(names)
    family = unets.TEXT_WIDTHS.get(width or 0) or _without_width(parts, names)
    if family is unets.SDXL:
        return _among_sdxl(names, edm)
    if family in (unets.SD_1, unets.SD_2) and _added_channels(names):
        return unets.SD_EDITING
    return family


def text_width(names: Shapes) -> int | None:
    """Return the width of the text embeddings; None where no cross-attention layer tells."""
    shapes = (shape for name, shape in names.items() if name.endswith(TEXT_LAYERS))
    return next((shape[1] for shape in shapes if len(shape) > 1), None)


def _among_sdxl(names: Shapes, edm: bool) -> Architecture:
    """Tell SDXL from what was made of it."""
    added = _added_channels(names)
    if added:
        return CHANNELS.get(added, unets.OTHER_SDXL)

    depths = [int(match[1]) for match in map(DOWN_TRANSFORMER.match, names) if match]
    pruned = unets.PRUNED_BY_DEPTH.get(max(depths, default=-1) + 1)
    # Small models of SDXL's kind are no pruned ones.
    if pruned is not None and text_width(names) in unets.TEXT_WIDTHS:
        return pruned
    return unets.PLAYGROUND if edm else unets.SDXL


def _added_channels(names: Shapes) -> int:
    """Return the number of input channels of a UNet that takes more than latents; else 0."""
    taken, given = _first(names, INPUTS)[1:2], _first(names, OUTPUTS)[:1]
    return taken[0] if taken and given and taken != given else 0


def _without_width(parts: Parts, names: Shapes) -> Architecture | None:
    """Return the architecture of a UNet of unknown text width, by what else it has."""
    for start, family in BY_ENCODERS:
        if any(name.startswith(start) for name in parts.encoders):
            return family
    if any(name in names for name in MICRO_CONDITIONS):
        return unets.SDXL
    fourth = any(name.startswith(FOURTH_LEVEL) for name in names)
    return unets.SD_1_OR_2 if fourth else None


def _first(names: Shapes, known: tuple[str, ...]) -> tuple[int, ...]:
    return next((names[name] for name in known if name in names), ())
