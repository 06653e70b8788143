"""Gradient checkpointing by block of the UNet: none, the largest blocks, or all."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import nn

from align.families.family import DenoiserNetwork

SOME_FRACTION = 0.5
"""`some` checkpoints the largest blocks until this share of all activations is not kept."""


def largest_blocks(kept: Mapping[str, int], share: float = SOME_FRACTION) -> list[str]:
    """Return the fewest blocks that hold this share of the bytes in `kept`, the largest first."""
    chosen: list[str] = []
    # By name among equals, so that every process chooses alike.
    for name in sorted(kept, key=lambda name: (-kept[name], name)):
        if sum(kept[block] for block in chosen) >= share * sum(kept.values()):
            break
        chosen.append(name)
    return chosen


def recompute(unet: DenoiserNetwork, blocks: Collection[str]) -> None:
    """Checkpoint these blocks: their activations are computed again in the backward pass."""
    if blocks:
        unet.enable_gradient_checkpointing()
    for name, module in unet.named_modules():
        if hasattr(module, "gradient_checkpointing"):
            inside = any(name == block or name.startswith(f"{block}.") for block in blocks)
            module.gradient_checkpointing = inside


def checkpointed_modules(unet: nn.Module) -> list[nn.Module]:
    """Return the modules that have gradient checkpointing switched on."""
    return [module for module in unet.modules() if getattr(module, "gradient_checkpointing", False)]
