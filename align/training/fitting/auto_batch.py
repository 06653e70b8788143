"""Micro-batch size and gradient checkpointing that fit into the free memory."""

from __future__ import annotations

from dataclasses import replace

from align.client.config import TrainConfig
from align.contracts.image_sizes import Size
from align.device import Compute
from align.device_memory import free_memory
from align.families.family import DenoiserNetwork
from align.families.lookup import family_of
from align.training.fitting.gradient_checkpointing import recompute
from align.training.fitting.memory_model import (
    MOMENT_BYTES,
    WORKSPACE_FRACTION,
    checkpointed_blocks_by_shape,
    plan_memory,
)

USABLE_FRACTION = 0.85
"""Share of the free memory that is planned with: shapes do not show fragmentation."""


def fit_to_memory(
    config: TrainConfig,
    unet: DenoiserNetwork,
    size: Size,
    compute: Compute,
    free: int | None = None,
) -> TrainConfig:
    """Choose `micro_batch_size` and `gradient_checkpointing` where the settings leave them open.

    Recomputing costs up to a third of the speed, so one pair without it goes before many with it.
    `size` is the largest of the run; `free` is bytes for everything but the base's weights, where
    None asks the device.
    """
    if config.micro_batch_size and config.gradient_checkpointing != "auto":
        return config

    room = USABLE_FRACTION * (free_memory(compute) if free is None else free)
    most = config.micro_batch_size or config.train_batch_size // config.num_processes
    for checkpointing in choices(config):
        pairs = count_fitting_pairs(config, unet, size, checkpointing, room, compute)
        if pairs >= (config.micro_batch_size or 1):
            break

    # A power of two divides the usual batch sizes, with no smaller last micro-batch.
    micro = config.micro_batch_size or floor_to_power_of_two(max(1, min(pairs, most)))
    return replace(config, micro_batch_size=micro, gradient_checkpointing=checkpointing)


def apply_gradient_checkpointing(config: TrainConfig, unet: DenoiserNetwork, size: Size) -> None:
    """Switch on gradient checkpointing for the blocks that the settings choose."""
    family, checkpointing = family_of(unet), config.gradient_checkpointing
    blocks = checkpointed_blocks_by_shape(
        family, checkpointing, dict(unet.config), size, config.rank
    )
    recompute(unet, blocks)


def choices(config: TrainConfig) -> list[str]:
    """Return the values of `gradient_checkpointing` to try, the fastest first."""
    if config.gradient_checkpointing == "auto":
        return ["none", "some", "all"]
    return [config.gradient_checkpointing]


def count_fitting_pairs(
    config: TrainConfig,
    unet: DenoiserNetwork,
    size: Size,
    checkpointing: str,
    room: float,
    compute: Compute,
) -> int:
    """Return the number of pairs that fit into `room` bytes in one forward pass.

    Activations grow with the number of pairs, so one pair is planned and the rest divided by it.
    """
    of_pair = plan_memory(
        family_of(unet),
        dict(unet.config),
        size,
        1,
        config.rank,
        checkpointing,
        compute.weights,
        optimizer=config.optimizer,
    )
    trained = of_pair.adapter
    if config.adapter == "full":
        # The weights are there already; a gradient of each and its moments are not.
        weights = sum(parameter.numel() for parameter in unet.parameters())
        trained = (4 + MOMENT_BYTES[config.optimizer]) * weights
    return int((room - trained) / (of_pair.activations * (1 + WORKSPACE_FRACTION)))


def floor_to_power_of_two(number: int) -> int:
    """Return the largest power of two that is not above `number`."""
    return 1 << (number.bit_length() - 1)
