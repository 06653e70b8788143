"""Weights of SDXL's parts under the names of the published code, and back: pure maps of tensors.

Names and layouts are in `align.client.single_file.names`; here is what the tensors need besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from align.client.single_file.names import Layout, Piece, original_piece, part_names

Weights = Mapping[str, Tensor]
TEXT_PREFIX = "text_model."
"""What the published checkpoints have before a text encoder's names; transformers left it out."""
OUTSIDE_TEXT = ("text_projection.",)


def layout_of_configs(configs: Mapping[str, Mapping[str, Any]]) -> Layout:
    """Read the layout from the parts' configurations."""
    unet, vae, text = (configs[part] for part in ("unet", "vae", "text_encoder_2"))
    depth, blocks = unet["layers_per_block"], unet["up_block_types"]
    return Layout(
        tuple(depth) if isinstance(depth, (list, tuple)) else (depth,) * len(blocks),
        tuple("CrossAttn" in kind for kind in blocks),
        len(vae["block_out_channels"]),
        vae["layers_per_block"],
        text["num_hidden_layers"],
    )


def to_original(parts: Mapping[str, Weights], layout: Layout) -> dict[str, Tensor]:
    """Return the weights of all parts under the published code's names."""
    names = part_names(layout)
    original: dict[str, Tensor] = {}
    fused: dict[str, dict[int, Tensor]] = {}
    for part, weights in parts.items():
        for name, weight in weights.items():
            piece = original_piece(part, _with_text_prefix(part, name), names[part])
            if piece.third is None:
                original[piece.key] = _as_original(piece, weight)
            else:
                fused.setdefault(piece.key, {})[piece.third] = weight

    for key, thirds in fused.items():
        original[key] = torch.cat([thirds[number] for number in range(3)])
    return original


def from_original(pieces: Mapping[str, Piece], weights: Weights) -> dict[str, Tensor]:
    """Return a part's weights under diffusers' names."""
    return {name: _from_original(piece, weights[piece.key]) for name, piece in pieces.items()}


def _with_text_prefix(part: str, name: str) -> str:
    if not part.startswith("text_encoder") or name.startswith((TEXT_PREFIX, *OUTSIDE_TEXT)):
        return name
    return f"{TEXT_PREFIX}{name}"


def _as_original(piece: Piece, weight: Tensor) -> Tensor:
    if piece.transposed:
        return weight.T.contiguous()
    return weight[:, :, None, None] if piece.convolved else weight


def _from_original(piece: Piece, weight: Tensor) -> Tensor:
    if piece.third is not None:
        return weight.chunk(3)[piece.third]
    if piece.transposed:
        return weight.T.contiguous()
    return weight.flatten(1) if piece.convolved else weight
