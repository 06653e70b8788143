"""Gradient checkpointing by block: which activations are kept, and which are computed again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from diffusers import UNet2DConditionModel
from torch import nn

SOME_FRACTION = 0.5
"""`some` recomputes the largest blocks until this share of all activations is not kept."""


def largest_blocks(kept: Mapping[str, int], share: float = SOME_FRACTION) -> list[str]:
    """The fewest blocks that keep this share of all bytes, the largest first."""
    chosen: list[str] = []
    for name in sorted(kept, key=lambda name: (-kept[name], name)):
        if sum(kept[one] for one in chosen) >= share * sum(kept.values()):
            break
        chosen.append(name)
    return chosen


def recompute(unet: UNet2DConditionModel, blocks: Collection[str]) -> None:
    """Keep no activations inside these blocks; they are computed again in the backward pass."""
    if blocks:
        unet.enable_gradient_checkpointing()
    for name, module in unet.named_modules():
        if hasattr(module, "gradient_checkpointing"):
            inside = any(name == block or name.startswith(f"{block}.") for block in blocks)
            module.gradient_checkpointing = inside


def checkpointed_modules(unet: nn.Module) -> list[nn.Module]:
    """The modules that recompute something inside them."""
    return [module for module in unet.modules() if getattr(module, "gradient_checkpointing", False)]
