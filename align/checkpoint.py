"""Save and resume: names everything that a run's future depends on."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch.optim import Optimizer

from align.files import replacing
from align.lora import lora_state, restore_lora
from align.run_folder import RunFolder


def save_checkpoint(
    run: RunFolder, step: int, unet: UNet2DConditionModel, optimizer: Optimizer
) -> None:
    """Store the state after `step` steps. Noise and order are functions of the step alone."""
    run.checkpoint.parent.mkdir(exist_ok=True)
    with replacing(run.checkpoint) as scratch:
        torch.save(
            {"step": step, "lora": lora_state(unet), "optimizer": optimizer.state_dict()}, scratch
        )


def resume(run: RunFolder, unet: UNet2DConditionModel, optimizer: Optimizer) -> int:
    """Take up the last checkpoint; returns the steps already done, 0 where there is none."""
    if not run.checkpoint.exists():
        run.forget_metrics_after(0)
        return 0
    state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    restore_lora(unet, state["lora"])
    optimizer.load_state_dict(state["optimizer"])
    run.forget_metrics_after(state["step"])
    return int(state["step"])
