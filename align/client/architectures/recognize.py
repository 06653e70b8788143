"""Tell what a file of weights holds, by the names and shapes of all its weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from align.client.architectures.architecture import Architecture
from align.client.architectures.families import ARCHITECTURES, TRANSFORMERS
from align.client.architectures.image_transformers import (
    FLUX,
    FLUX_2,
    HUNYUAN_IMAGE,
    LUMINA,
    QWEN_IMAGE,
    Z_IMAGE,
)
from align.client.architectures.other_transformers import HUNYUAN_VIDEO
from align.client.architectures.parts import Parts, sort_parts
from align.client.architectures.purposes import (
    is_adapter,
    is_autoencoder,
    is_embedding,
    is_encoder,
    other_purpose,
)
from align.client.architectures.unet_shapes import is_unet, unet_of

Shapes = Mapping[str, tuple[int, ...]]
ATTENTION_BY_END = {
    f"{name}_{end}": name
    for name in ("attn", "attn1", "attention")
    for end in ("to_q", "to_k", "to_v", "qkv")
} | {f"feed_forward_w{n}": "feed_forward" for n in (1, 3)}
"""Name of the attention by the end of a layer's name."""
FLUX_PAIRS, HUNYUAN_PAIRS = 19, 20
"""Pairs of blocks in FLUX.1 and HunyuanVideo, whose names other models use, too."""
MAX_DIGITS = 6


class Holding(StrEnum):
    """What a file of weights holds."""

    CHECKPOINT = "checkpoint"
    DENOISER = "denoiser"
    """A denoiser without text encoders and autoencoder."""
    ADAPTER = "adapter"
    AUTOENCODER = "autoencoder"
    ENCODER = "encoder"
    OTHER = "other"


@dataclass(frozen=True)
class Contents:
    """What a file holds, and of which architecture."""

    holding: Holding
    architecture: Architecture | None = None
    """None for an unknown one, and where it makes no difference."""
    purpose: str = ""
    """What else it is, such as "a ControlNet"."""
    has_encoders: bool = False
    has_autoencoder: bool = False


def recognize(shapes: Shapes) -> Contents:
    """Return what a file holds, by the shapes of its weights; shapes may be unknown, and empty."""
    if is_adapter(shapes):
        return Contents(Holding.ADAPTER)
    parts = sort_parts(shapes)
    if not parts.prefixed:
        if is_embedding(shapes):
            return Contents(Holding.OTHER, purpose="a textual inversion embedding")
        if purpose := other_purpose(shapes):
            return Contents(Holding.OTHER, purpose=purpose)

    known = architecture_of(parts, "edm_mean" in shapes)
    if known is None and not parts.prefixed and not is_unet(parts.denoiser):
        if is_autoencoder(shapes):
            return Contents(Holding.AUTOENCODER)
        if is_encoder(shapes) or parts.encoders:
            return Contents(Holding.ENCODER)
        known = transformer_of(parts.denoiser)
        if known is None:
            return Contents(Holding.OTHER)

    known = known or transformer_of(parts.denoiser)
    encoders, autoencoder = bool(parts.encoders), bool(parts.autoencoder)
    holding = Holding.CHECKPOINT if encoders or autoencoder else Holding.DENOISER
    return Contents(holding, known, "", encoders, autoencoder)


def architecture_of(parts: Parts, edm: bool = False) -> Architecture | None:
    """Return the architecture of a denoiser that marks of whole ones, or a UNet's shapes, show."""
    text = parts.text
    for family in ARCHITECTURES:
        if any(marks.are_in(text) for marks in family.whole):
            return family
    return unet_of(parts, edm)


def transformer_of(names: Shapes) -> Architecture | None:
    """Return the architecture of a transformer by its layers' names, or by their widths."""
    text = "\n" + "".join(f"{name}\n" for name in names)
    for family in TRANSFORMERS:
        if any(marks.are_in(text) for marks in family.layers):
            return _among_relatives(family, names)

    for name, shape in names.items():
        found = block_family(name, shape[1] if len(shape) > 1 else 0)
        if found is not None:
            deep = blocks_of(names, "transformer_blocks_") > HUNYUAN_PAIRS
            return QWEN_IMAGE if found is FLUX and deep else found
    return None


def _among_relatives(family: Architecture, names: Shapes) -> Architecture:
    """Tell architectures apart that give their layers the same names."""
    if family in (Z_IMAGE, LUMINA):
        width = next((s[0] for n, s in names.items() if n == "cap_embedder_1" and s), None)
        return {2304: LUMINA, 3840: Z_IMAGE}.get(width or 0, family)
    if family is HUNYUAN_VIDEO:
        # Patches of images have two axes, those of videos three.
        patches = next((s for n, s in names.items() if n in ("img_in_proj", "x_embedder_proj")), ())
        return HUNYUAN_IMAGE if len(patches) == 4 else family
    if family is FLUX:
        pairs = max(blocks_of(names, start) for start in ("double_blocks_", "transformer_blocks_"))
        wide = any(len(s) > 1 and s[1] in (4096, 6144) for n, s in names.items() if "_blocks_" in n)
        return HUNYUAN_VIDEO if pairs > FLUX_PAIRS else FLUX_2 if wide else family
    return family


def block_family(name: str, width: int) -> Architecture | None:
    """Return the architecture with blocks of this name whose attention has this input width."""
    kind = attention_of(name)
    return next(
        (
            family
            for family in TRANSFORMERS
            for start, attention, its_width in family.blocks
            if name.startswith(start) and (attention, its_width) == (kind, width)
        ),
        None,
    )


def attention_of(name: str) -> str | None:
    """Return the name of the attention that a layer is a part of; None for any other layer."""
    ends = ATTENTION_BY_END.items()
    return next((kind for end, kind in ends if name.endswith("_" + end)), None)


def blocks_of(names: Iterable[str], start: str) -> int:
    """Return the least number of blocks of a kind, by the highest number in a name."""
    pattern = re.compile(rf"{start}(\d{{1,{MAX_DIGITS}}})(?:_|$)")
    numbers = [int(match[1]) for match in map(pattern.match, names) if match]
    return 1 + max(numbers, default=-1)
