"""Apply the change of any adapter family to a layer's weights, exactly, in fp32.

Besides the products of low_rank.py:

full, norm  W' = W + D                       LyCORIS, algo=full and train_norm; ComfyUI's `.diff`
GLoRA       W' = W + s (W A + B)             Chavan et al. 2023, arXiv 2306.07967
(IA)³       W' = W (1 + l), by output        Liu et al. 2022, arXiv 2205.05638, section 3.3; LyCORIS
            or by input                      stores l - 1, where the paper has l
OFT         W' = Rᵀ W, R block-diagonal      Qiu et al. 2023, arXiv 2306.07280; Cayley's form:
                                             R = (1 + Q)(1 - Q)⁻¹ with Q = X - Xᵀ
BOFT        W' = B_m … B_1 W                 Liu et al. 2023, arXiv 2311.06243: butterfly factors
DoRA        W' = m (W + ΔW) / ‖W + ΔW‖       Liu et al. 2024, arXiv 2402.09353, eq. 5

Matrices are stored the way round that LyCORIS stores them, as most such files come from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from align.adapters.low_rank import hadamard, kronecker, product_of

BIASES = ("full.diff_b", "norm.b_norm", "lora.up_bias", "any.bias")
AUXILIARY_PARTS = ("any.alpha", "any.dora_scale", "any.reshape", "lora.magnitude_vector")
"""Parts that scale a change and make none alone."""
DORA_FAMILIES = ("lora", "loha", "lokr", "glora")
"""Families that DoRA's magnitudes can be combined with."""


@dataclass(frozen=True)
class ChangedLayer:
    """A layer's new weight and bias; None for one that stays."""

    weight: Tensor | None
    bias: Tensor | None


def apply_change(
    parts: Mapping[str, Tensor], scale: float, weight: Tensor, bias: Tensor | None
) -> ChangedLayer:
    """Apply a change to a layer's own weights.

    Args:
        parts: the change, by names such as "loha.w1_a", in fp32.
        scale: alpha / rank; for OFT the bound on Q, as a share of the width.
        weight: the layer's own.
        bias: the layer's own, if it has one.

    Raises:
        ValueError: the change does not fit this layer.
        KeyError: a part is missing.
        RuntimeError: parts that do not go together.
    """
    family = family_of(parts)
    own = weight.float()
    if family in DORA_FAMILIES and "any.weight" in parts:
        own = _like(parts["any.weight"], own)
    changed = None if family is None else _changed(family, parts, scale, own)
    return ChangedLayer(changed, _changed_bias(parts, scale, bias))


def family_of(parts: Mapping[str, object]) -> str | None:
    """Return the family of a weight's change; None where only the bias changes.

    Raises:
        ValueError: two kinds at once.
    """
    found = {part.partition(".")[0] for part in parts if part not in BIASES + AUXILIARY_PARTS}
    if found == {"any", "ia3"}:
        return "ia3"
    if found - {"any"} <= set(DORA_FAMILIES):
        # The layer is stored whole, too: the change is added to that.
        found = found - {"any"} or found
    is_dora = {"any.dora_scale", "lora.magnitude_vector"} & parts.keys()
    if len(found) > 1 or (is_dora and not found <= set(DORA_FAMILIES)):
        raise ValueError("it is changed in two ways at once")
    return found.pop() if found else None


def rank_of(family: str | None, parts: Mapping[str, Tensor]) -> int | None:
    """Return the rank that alpha is divided by; None for families without one."""
    by_family = {
        "lora": ("lora.down",),
        "loha": ("loha.w1_b",),
        "lokr": ("lokr.w2_b", "lokr.w1_b"),
    }
    for part in by_family.get(family or "", ()):
        if part in parts:
            return int(parts[part].shape[0])
    if family == "glora":
        return min(parts["glora.a1"].shape[:2])
    return None


def _changed(family: str, parts: Mapping[str, Tensor], scale: float, own: Tensor) -> Tensor:
    if family == "any":
        return _like(parts["any.weight"], own)
    if "full.set_weight" in parts:
        return _like(parts["full.set_weight"], own)
    if family == "oft":
        return _rotated(parts, scale, own)

    result = own + scale * _like(_difference(family, parts, own), own)
    return _of_magnitude(parts, result)


def _difference(family: str, parts: Mapping[str, Tensor], own: Tensor) -> Tensor:
    """Return ΔW before it is scaled."""
    if family == "full":
        return parts["full.diff"]
    if family == "norm":
        return parts["norm.w_norm"]
    if family == "ia3":
        return own * _along(parts["any.weight"], own, bool(parts["ia3.on_input"].any()))
    if family == "glora":
        return _glora(parts, own)

    product = product_of(family, parts)
    if product is not None:
        return product.whole
    return hadamard(parts) if family == "loha" else kronecker(parts)


def _like(change: Tensor, own: Tensor) -> Tensor:
    """Reshape a change to the shape of the layer; only axes of length 1 may differ."""
    if change.numel() != own.numel() or change.shape[0] != own.shape[0]:
        raise ValueError(f"it is {tuple(change.shape)}, not {tuple(own.shape)}")
    return change.reshape(own.shape)


def _along(factors: Tensor, own: Tensor, by_input: bool) -> Tensor:
    """Reshape one factor per input or output so that it broadcasts over the layer's weight."""
    axis = 1 if by_input else 0
    if factors.numel() != own.shape[axis]:
        raise ValueError(f"it has {factors.numel()} factors for {own.shape[axis]} channels")
    return factors.reshape([-1 if dim == axis else 1 for dim in range(own.ndim)])


def _glora(parts: Mapping[str, Tensor], own: Tensor) -> Tensor:
    """Return W A + B."""
    a1, a2, b1, b2 = (parts[f"glora.{part}"].flatten(1) for part in ("a1", "a2", "b1", "b2"))
    # LyCORIS first stored the matrices of each product the other way round.
    if a1.shape[0] != own.shape[1] or b1.shape[0] != own.shape[0]:
        a1, a2, b1, b2 = a2, a1, b2, b1
    sizes = a1.shape[0], a2.shape[1], b1.shape[0]
    if sizes != (own.shape[1], own.shape[1], own.shape[0]):
        raise ValueError(f"its parts are for a layer of {sizes[0]} inputs and {sizes[2]} outputs")

    if "glora.bm" in parts:
        added = torch.einsum("mn...,om,ni->oi...", parts["glora.bm"], b1, b2)
    else:
        added = b1 @ b2
    return torch.einsum("oi...,ij->oj...", own, a1 @ a2) + _like(added, own)


def _rotated(parts: Mapping[str, Tensor], bound: float, own: Tensor) -> Tensor:
    """Rotate the layer's outputs by a block-diagonal orthogonal matrix."""
    blocks = parts["oft.blocks"]
    count, size = blocks.shape[-3:-1]
    if count * size != own.shape[0] or blocks.shape[-1] != size or blocks.ndim not in (3, 4):
        raise ValueError(f"its blocks are {tuple(blocks.shape)} for {own.shape[0]} outputs")

    rotations = _cayley(blocks, bound * own.shape[0])
    rows = own.flatten(1)
    if blocks.ndim == 3:
        result = torch.einsum("knm,kni->kmi", rotations, rows.reshape(count, size, -1))
    else:
        result = _butterflied(rotations, rows)
    result = result.reshape(own.shape)

    if "oft.rescale" in parts:
        result = result * _along(parts["oft.rescale"], own, by_input=False)
    return result


def _cayley(blocks: Tensor, bound: float) -> Tensor:
    """Return the Cayley transform of skew matrices, scaled down to the bound where it is not 0."""
    skew = blocks - blocks.transpose(-1, -2)
    size = torch.linalg.vector_norm(skew)
    if 0 < bound < size:
        skew = skew * (bound / size)
    identity = torch.eye(blocks.shape[-1])
    transform: Tensor = (identity + skew) @ torch.linalg.inv(identity - skew)
    return transform


def _butterflied(stages: Tensor, rows: Tensor) -> Tensor:
    """Rotate rows by a butterfly: stage i rotates blocks of rows that lie 2^i half blocks apart."""
    half, inputs = stages.shape[-1] // 2, rows.shape[1]
    for number, blocks in enumerate(stages):
        stride = 2**number * half
        if not stride or rows.shape[0] % (2 * stride):
            raise ValueError(f"stage {number + 1} does not divide {rows.shape[0]} outputs")
        mixed = rows.reshape(-1, 2, stride, inputs).transpose(1, 2)
        mixed = mixed.reshape(len(blocks), -1, inputs)
        mixed = torch.einsum("bij,bjx->bix", blocks, mixed)
        rows = mixed.reshape(-1, stride, 2, inputs).transpose(1, 2).reshape(-1, inputs)
    return rows


def _of_magnitude(parts: Mapping[str, Tensor], weight: Tensor) -> Tensor:
    """Scale to DoRA's magnitudes, by output or by input (LyCORIS with wd_on_out=False)."""
    scale = parts.get("any.dora_scale", parts.get("lora.magnitude_vector"))
    if scale is None:
        return weight

    by_input = "any.dora_scale" in parts and scale.ndim > 1 and scale.shape[0] == 1
    axis = 1 if by_input else 0
    lengths = weight.transpose(0, axis).flatten(1).norm(dim=1)
    # The epsilon keeps a row of zeros from becoming NaN.
    lengths = lengths + torch.finfo(torch.float32).eps
    return weight * _along(scale.flatten() / lengths, weight, by_input)


def _changed_bias(parts: Mapping[str, Tensor], scale: float, own: Tensor | None) -> Tensor | None:
    found = [part for part in BIASES if part in parts]
    if not found:
        return None
    if own is None:
        raise ValueError("it has no bias here")
    if "any.bias" in found:
        return _like(parts["any.bias"], own)
    added = parts[found[0]] * (scale if found[0] == "lora.up_bias" else 1.0)
    return own.float() + _like(added, own)
