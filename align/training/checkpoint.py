"""Checkpoints: everything that the steps to come depend on, saved and resumed."""

from __future__ import annotations

import errno
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer

from align.client.run_folder import RunFolder
from align.contracts.run_files import LEGACY_METRICS
from align.files import replacing
from align.training.early_stopping import BestAdapter
from align.training.loss_scale import LossScale
from align.training.trainable import Trainable

if TYPE_CHECKING:
    from align.training.state import TrainingState


@dataclass
class TrainProgress:
    """State of a run besides its weights and optimizer.

    Noise, timesteps and the order of pairs follow from the step alone, so no random state is kept.
    """

    step: int = 0
    """Steps done."""
    micro_batch_size: int = 0
    """Pairs of a forward pass after memory ran out; 0 while the run's own setting fits."""
    gradient_checkpointing: str = ""
    """all after memory ran out; empty while the run's own setting fits."""
    base_format: str = ""
    """Format of the base after memory ran out; empty while the run's own fits."""
    means: dict[str, float] = field(default_factory=dict)
    """Exponential moving averages of what is logged."""
    best: BestAdapter = field(default_factory=BestAdapter)
    loss_scale: LossScale = field(default_factory=LossScale)
    earlier_s: float = 0.0
    """Seconds of the processes that trained up to the checkpoint."""
    began: float = field(default_factory=time.monotonic)
    """When this process began, by the monotonic clock."""

    @property
    def seconds(self) -> float:
        """Return the seconds of training so far, without those between processes."""
        return self.earlier_s + time.monotonic() - self.began


def write_checkpoint(state: TrainingState) -> None:
    """Write the checkpoint of a run, in the main process."""
    # First: a resumed run would compute missing reference errors in another batch, with other bits.
    state.reference.flush()
    if state.accelerator.is_main_process:
        save_checkpoint(state.run, state.progress, state.trainable, state.optimizer)
    state.accelerator.wait_for_everyone()


def save_checkpoint(
    run: RunFolder, progress: TrainProgress, trainable: Trainable, optimizer: Optimizer
) -> None:
    """Write the checkpoint, in place of the one before."""
    run.checkpoint.parent.mkdir(exist_ok=True)
    state = {
        "step": progress.step,
        "micro_batch_size": progress.micro_batch_size,
        "gradient_checkpointing": progress.gradient_checkpointing,
        "base_format": progress.base_format,
        "seconds": progress.seconds,
        "means": progress.means,
        "best": dict(vars(progress.best)),
        "loss_scale": progress.loss_scale.state(),
        "weights": trainable.state(),
        "optimizer": optimizer.state_dict(),
    }
    # A process killed while it writes leaves the old checkpoint whole.
    with replacing(run.checkpoint) as scratch:
        write_state(state, scratch)


def write_state(state: dict[str, Any], path: Path) -> None:
    """Save with torch, raising OSError where the disk is full: torch's error does not say so."""
    try:
        torch.save(state, path)
    except RuntimeError as error:
        if shutil.disk_usage(path.parent).free < 2**20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def resume(
    run: RunFolder, trainable: Trainable, optimizer: Optimizer, autocast: torch.dtype | None
) -> TrainProgress:
    """Restore weights and optimizer from the last checkpoint, if there is one; return the progress.

    `autocast` is the format of forward passes, which decides whether the loss is scaled.
    """
    if not run.checkpoint.exists():
        run.forget_metrics_after(0)
        return TrainProgress(loss_scale=LossScale.of(autocast))

    state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    trainable.restore(state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    run.forget_metrics_after(state["step"])
    best = BestAdapter(**state["best"])

    # A run may resume on a device with another format, and older checkpoints hold no loss scale.
    scale = LossScale.of(autocast)
    if scale.factor > 1 and state.get("loss_scale", {}).get("factor", 1) > 1:
        scale = LossScale(**state["loss_scale"])
    # Checkpoints of the release before name the setting and the metrics as it did.
    micro_batch_size = int(state.get("micro_batch_size", state.get("micro_pairs", 0)))
    means = {LEGACY_METRICS.get(name, name): mean for name, mean in state["means"].items()}
    return TrainProgress(
        step=int(state["step"]),
        micro_batch_size=micro_batch_size,
        gradient_checkpointing=state.get("gradient_checkpointing", ""),
        base_format=state.get("base_format", ""),
        means=means,
        best=best,
        loss_scale=scale,
        earlier_s=float(state.get("seconds", 0.0)),
    )
