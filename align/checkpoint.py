"""Save and resume: names everything that a run's future depends on."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import torch
from diffusers import UNet2DConditionModel
from torch.optim import Optimizer

from align.files import replacing
from align.lora import lora_state, restore_lora
from align.run_folder import RunFolder
from align.stopping import Best


@dataclass
class Progress:
    """What a run has come to, besides weights. Noise and order follow from the step alone."""

    step: int = 0
    """Steps done."""
    micro_pairs: int = 0
    """Pairs a forward pass after memory ran out; 0 while the run's own setting fits."""
    means: dict[str, float] = field(default_factory=dict)
    """Running means of what is logged."""
    best: Best = field(default_factory=Best)


def save_checkpoint(
    run: RunFolder, progress: Progress, unet: UNet2DConditionModel, optimizer: Optimizer
) -> None:
    """Store everything that the steps to come depend on."""
    run.checkpoint.parent.mkdir(exist_ok=True)
    state = {
        "step": progress.step,
        "micro_pairs": progress.micro_pairs,
        "means": progress.means,
        "best": progress.best.state(),
        "lora": lora_state(unet),
        "optimizer": optimizer.state_dict(),
    }
    with replacing(run.checkpoint) as scratch:
        # Through memory: written by torch itself, a full disk is an error without a cause.
        buffer = io.BytesIO()
        torch.save(state, buffer)
        scratch.write_bytes(buffer.getbuffer())


def resume(run: RunFolder, unet: UNet2DConditionModel, optimizer: Optimizer) -> Progress:
    """Take up the last checkpoint; without one, nothing is done yet."""
    if not run.checkpoint.exists():
        run.forget_metrics_after(0)
        return Progress()
    state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    restore_lora(unet, state["lora"])
    optimizer.load_state_dict(state["optimizer"])
    run.forget_metrics_after(state["step"])
    best = Best(**state["best"])
    return Progress(int(state["step"]), int(state["micro_pairs"]), state["means"], best)
