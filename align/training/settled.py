"""Settings that the device decides on: settled at a run's first start, the same at every later one.

A run that is resumed while more or less memory is free would otherwise take other micro-batches,
and end in other bits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import cast

from accelerate import Accelerator

from align.client.config import TrainConfig
from align.client.run_folder import RunFolder
from align.contracts.image_sizes import Size
from align.contracts.run_files import SettledSettings
from align.device import Compute
from align.families.family import DenoiserNetwork
from align.training.checkpoint import TrainProgress
from align.training.fitting.auto_batch import apply_gradient_checkpointing, fit_to_memory
from align.training.fitting.base_format import choose_base_format, format_of_before
from align.training.reference import Reference
from align.weights.quantized import check_format, quantize


def settle(
    run: RunFolder,
    accelerator: Accelerator,
    config: TrainConfig,
    names: Collection[str],
    choose: Callable[[TrainConfig], TrainConfig],
) -> TrainConfig:
    """Return the settings with those in `names` as plan.json has them, or as `choose` chooses.

    The main process chooses and writes; the others read what it wrote, since their devices may have
    more or less memory free.
    """
    if accelerator.is_main_process:
        chosen = choose(with_settled(config, run.settled(), names))
        settled = {name: getattr(chosen, name) for name in names}
        run.settle(cast(SettledSettings, settled))

    accelerator.wait_for_everyone()
    return with_settled(config, run.settled(), names)


def with_settled(
    config: TrainConfig, settled: SettledSettings, names: Collection[str]
) -> TrainConfig:
    """Return the settings with those in `names` replaced where they are settled."""
    known = {name: value for name, value in settled.items() if name in names}
    return replace(config, **known)  # type: ignore[arg-type]  # by name, of the same type


def put_base_on_device(
    run: RunFolder,
    accelerator: Accelerator,
    config: TrainConfig,
    unet: DenoiserNetwork,
    size: Size,
    compute: Compute,
) -> TrainConfig:
    """Settle the format of the base, and put it on the device in it; return the settings.

    Raises:
        InvalidSettings: the format that an earlier start settled on cannot be had any more.
    """
    config = settle(
        run,
        accelerator,
        format_of_before(run, config),
        ("base_format",),
        lambda asked: choose_base_format(asked, unet, size, compute),
    )
    check_format(config.base_format, compute)
    quantize(unet, config.base_format, compute.device)
    unet.to(compute.device)
    return config


def fit_passes(
    run: RunFolder,
    accelerator: Accelerator,
    config: TrainConfig,
    unet: DenoiserNetwork,
    size: Size,
    compute: Compute,
) -> TrainConfig:
    """Settle how many pairs go at once and what is recomputed; return the settings."""
    config = settle(
        run,
        accelerator,
        config,
        ("micro_batch_size", "gradient_checkpointing"),
        lambda asked: fit_to_memory(asked, unet, size, compute),
    )
    apply_gradient_checkpointing(config, unet, size)
    return config


def take_rungs(
    progress: TrainProgress,
    unet: DenoiserNetwork,
    reference: Reference,
    config: TrainConfig,
    size: Size,
    compute: Compute,
) -> None:
    """Recompute and quantize what a run has come to where memory ran out."""
    if progress.gradient_checkpointing:
        checkpointing = progress.gradient_checkpointing
        apply_gradient_checkpointing(
            replace(config, gradient_checkpointing=checkpointing), unet, size
        )
    if progress.base_format:
        quantize(unet, progress.base_format, compute.device)
        reference.use_format(progress.base_format)
