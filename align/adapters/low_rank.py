"""Low-rank changes of a layer: LoRA, and the families that equal one exactly.

LoRA   ΔW = B A                  Hu et al. 2021, arXiv 2106.09685, eq. 3
LoCon  ΔW = T ×₁ B ×₂ Aᵀ         Yeh et al. 2023 (LyCORIS), arXiv 2309.14859: Tucker's form
LoHa   ΔW = (B₁ A₁) ⊙ (B₂ A₂)    the same; Hyeon-Woo et al. 2021 (FedPara), arXiv 2108.06098
LoKr   ΔW = C ⊗ (B A)            the same

The Hadamard product of two products of rank r is one of rank r², by rows of B₁ and B₂ and columns
of A₁ and A₂ multiplied with each other; C ⊗ (B A) = (C ⊗ B)(1 ⊗ A).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_RANK = 128
"""Beyond it an adapter renders more slowly than whole weights, and is hardly smaller."""


@dataclass(frozen=True)
class LowRankProduct:
    """ΔW = up · down."""

    up: Tensor
    """[out, rank]"""
    down: Tensor
    """[rank, in · kernel]"""

    @property
    def rank(self) -> int:
        """Return the rank of the product."""
        return int(self.down.shape[0])

    @property
    def whole(self) -> Tensor:
        """Return ΔW, [out, in · kernel]."""
        return self.up @ self.down


def product_of(family: str, parts: Mapping[str, Tensor]) -> LowRankProduct | None:
    """Return the two factors of a change; None where it has none, or one of a rank beyond MAX_RANK.

    Raises:
        KeyError: a part is missing.
        RuntimeError: parts that do not go together.
    """
    if family == "lora":
        return _locon(parts)
    if family == "loha":
        return _loha(parts)
    if family == "lokr":
        return _lokr(parts)
    return None


def _locon(parts: Mapping[str, Tensor]) -> LowRankProduct:
    up, down = parts["lora.up"].flatten(1), parts["lora.down"].flatten(1)
    if "lora.mid" in parts:
        # [out, m] · [m, n, k, l] · [n, in]: kohya's and LyCORIS's form of Tucker's decomposition.
        down = torch.einsum("mn...,ni->mi...", parts["lora.mid"], down).flatten(1)
    return LowRankProduct(up, down)


def _loha(parts: Mapping[str, Tensor]) -> LowRankProduct | None:
    first, second = (_factor(parts, "loha.", f"w{n}", f"t{n}") for n in (1, 2))
    if first.rank * second.rank > MAX_RANK:
        return None
    up = (first.up[:, :, None] * second.up[:, None, :]).flatten(1)
    return LowRankProduct(up, (first.down[:, None] * second.down[None]).flatten(0, 1))


def _factor(parts: Mapping[str, Tensor], family: str, name: str, core: str) -> LowRankProduct:
    """Return one matrix of a LoHa or LoKr, which is stored as a product."""
    up, down = parts[f"{family}{name}_a"], parts[f"{family}{name}_b"]
    if family + core in parts:
        # Tucker: [r, out], [r, in] and [r, r, k, l].
        down = torch.einsum("ij...,jr->ir...", parts[family + core], down)
        up = up.flatten(1).T
    return LowRankProduct(up.flatten(1), down.flatten(1))


def _lokr(parts: Mapping[str, Tensor]) -> LowRankProduct | None:
    if "lokr.w2" in parts:
        return None
    second = _factor(parts, "lokr.", "w2", "t2")
    left, right = _split(parts)
    if left.shape[1] * second.rank > MAX_RANK:
        return None
    # A column of w2_b stands for one input channel and one place of the kernel.
    down = torch.kron(right.contiguous(), second.down.contiguous())
    return LowRankProduct(torch.kron(left.contiguous(), second.up.contiguous()), down)


def _split(parts: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the small matrix of a LoKr as a product."""
    if "lokr.w1" not in parts:
        return parts["lokr.w1_a"], parts["lokr.w1_b"]
    small = parts["lokr.w1"]
    out, into = small.shape
    # The identity goes on the side that keeps the rank small.
    if out < into:
        return torch.eye(out), small
    return small, torch.eye(into)


def kronecker(parts: Mapping[str, Tensor]) -> Tensor:
    """Return ΔW of any LoKr: every entry of w1 times the whole of w2."""
    small = parts["lokr.w1"] if "lokr.w1" in parts else parts["lokr.w1_a"] @ parts["lokr.w1_b"]
    large = parts.get("lokr.w2")
    if large is None:
        factor = _factor(parts, "lokr.", "w2", "t2")
        kernel = parts["lokr.t2" if "lokr.t2" in parts else "lokr.w2_b"].shape[2:]
        large = factor.whole.reshape(factor.up.shape[0], -1, *kernel)
    small = small.reshape(*small.shape, *[1] * (large.ndim - 2)).contiguous()
    return torch.kron(small, large.contiguous())


def hadamard(parts: Mapping[str, Tensor]) -> Tensor:
    """Return ΔW of any LoHa."""
    first, second = (_factor(parts, "loha.", f"w{n}", f"t{n}") for n in (1, 2))
    return first.whole * second.whole
