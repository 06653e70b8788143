"""Pixels of a run, where its settings leave them to the device."""

from __future__ import annotations

from dataclasses import replace

from accelerate import Accelerator

from align.client.config import TrainConfig
from align.client.planning.resolution import own_side, side_on
from align.client.run_folder import RunFolder
from align.contracts.image_sizes import Size
from align.device import Compute, memory
from align.training.settled import settle


def choose_resolution(
    run: RunFolder,
    accelerator: Accelerator,
    config: TrainConfig,
    size: Size,
    compute: Compute,
) -> TrainConfig:
    """Settle the pixels of a run by the device's memory, where its settings leave them open.

    `size` is what the model is made for.
    """
    if config.resolution:
        return config
    # A run that an earlier release began has trained at the model's own.
    begun = run.checkpoint.exists()

    def chosen(asked: TrainConfig) -> TrainConfig:
        side = own_side(size) if begun else side_on(memory(compute)[0], size)
        return replace(asked, resolution=asked.resolution or side)

    return settle(run, accelerator, config, ("resolution",), chosen)
