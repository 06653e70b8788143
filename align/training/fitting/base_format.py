"""The format of the base: its own where that fits, else its linear layers in int8, then in NF4."""

from __future__ import annotations

from dataclasses import replace

from align.client.config import TrainConfig
from align.client.run_folder import RunFolder
from align.contracts.image_sizes import Size
from align.device import Compute
from align.device_memory import free_memory
from align.families.family import DenoiserNetwork
from align.families.lookup import family_of
from align.training.fitting.auto_batch import USABLE_FRACTION
from align.training.fitting.memory_model import GIB, plan_memory, weight_bytes
from align.weights.quantized import FORMATS, missing_format


def choose_base_format(
    config: TrainConfig,
    unet: DenoiserNetwork,
    size: Size,
    compute: Compute,
    free: int | None = None,
) -> TrainConfig:
    """Choose `base_format` where the settings leave it open: the first with which one pair fits.

    That is with everything recomputed, if the settings allow it: bits of the base cost more than
    time. `free` is bytes for the base and everything else, where None asks the device. Where no
    format fits, the one with the fewest bits is tried.
    """
    if config.base_format != "auto":
        return config
    if config.adapter != "lora":
        return replace(config, base_format="model")

    room = USABLE_FRACTION * (free_with_base(unet, compute) if free is None else free)
    here = [name for name in FORMATS if missing_format(name) is None]
    for base_format in here:
        if bytes_needed(config, unet, size, compute, base_format) <= room:
            break
    return replace(config, base_format=base_format)


def bytes_needed(
    config: TrainConfig, unet: DenoiserNetwork, size: Size, compute: Compute, base_format: str
) -> float:
    """Return what one pair takes on the device, base and adapter included."""
    checkpointing = config.gradient_checkpointing
    planned = plan_memory(
        family_of(unet),
        dict(unet.config),
        size,
        config.micro_batch_size or 1,
        config.rank,
        "all" if checkpointing == "auto" else checkpointing,
        compute.weights,
        base_format=base_format,
        optimizer=config.optimizer,
    )
    return planned.total_gib * GIB


def free_with_base(unet: DenoiserNetwork, compute: Compute) -> int:
    """Return the free bytes of the device, those that the base takes already included."""
    taken = weight_bytes(unet) if unet.device.type == compute.device.type else 0
    return free_memory(compute) + taken


def format_of_before(run: RunFolder, config: TrainConfig) -> TrainConfig:
    """Keep the base whole in a run that has trained on it before there were other formats."""
    if run.checkpoint.exists() and "base_format" not in run.settled():
        return replace(config, base_format="model")
    return config
