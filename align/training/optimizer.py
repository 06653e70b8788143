"""Optimizers and compilation: fused AdamW, 8-bit AdamW, and compiled blocks of the UNet."""

from __future__ import annotations

import shutil
import sys

import torch

from align.client.config import TrainConfig
from align.device import Compute
from align.errors import InvalidSettings, first_line
from align.families.family import DenoiserNetwork
from align.training.trainable import Trainable
from align.weights.quantized import LAYERS

COMPILERS = ("cl",) if sys.platform == "win32" else ("g++", "clang++", "c++")


def check_optimizer(config: TrainConfig, compute: Compute) -> None:
    """Check that the optimizer can run on this device, before anything is loaded.

    Raises:
        InvalidSettings: no NVIDIA GPU, or no bitsandbytes.
    """
    if config.optimizer == "adamw":
        return
    if compute.device.type != "cuda":
        raise InvalidSettings(
            f'The optimizer "adamw8bit" needs an NVIDIA GPU, and this run is on '
            f'{compute.device.type}. Set "optimizer": "adamw".'
        )

    try:
        import bitsandbytes  # noqa: F401, PLC0415  optional, and slow to import
    except ImportError as error:
        raise InvalidSettings(
            'The optimizer "adamw8bit" needs bitsandbytes, which cannot be imported '
            f'({first_line(error)}). Install it with pip install bitsandbytes, or set "optimizer": '
            '"adamw".'
        ) from None


def optimizer_for(
    trainable: Trainable, config: TrainConfig, compute: Compute
) -> torch.optim.Optimizer:
    """Create AdamW, fused into one kernel on CUDA, or with moments in 8 bits."""
    if config.optimizer == "adamw8bit":
        from bitsandbytes.optim import AdamW8bit  # noqa: PLC0415  optional

        optimizer: torch.optim.Optimizer = AdamW8bit(
            trainable.parameters, lr=config.learning_rate, weight_decay=0.0
        )
        return optimizer
    return torch.optim.AdamW(
        trainable.parameters,
        lr=config.learning_rate,
        weight_decay=0.0,
        fused=compute.device.type == "cuda",
    )


def compile_blocks(unet: DenoiserNetwork, config: TrainConfig, compute: Compute) -> str:
    """Compile the UNet's repeated blocks if the settings say so.

    Returns on, off, or why a run that wanted it goes on without: a missing compiler should cost
    minutes, not the run.
    """
    if config.compile == "off":
        return "off"
    if config.base_format in LAYERS:
        # Its layers put their weights together outside of what a compiler sees.
        return f"off: the base is in {config.base_format}"
    if reason := missing_compiler(compute):
        return reason
    # A block is compiled when it is first called: with the adapter on, off (the reference), with
    # and without gradients, and for the last, smaller batch of the held-out pairs.
    torch._dynamo.config.cache_size_limit = max(32, torch._dynamo.config.cache_size_limit)
    torch._dynamo.config.suppress_errors = True
    unet.compile_repeated_blocks(dynamic=False)
    return "on"


def missing_compiler(compute: Compute) -> str | None:
    """Return the reason why blocks cannot be compiled here; None where they can."""
    if compute.device.type == "cuda":
        try:
            import triton  # noqa: F401, PLC0415  comes with torch for CUDA, but not everywhere
        except ImportError:
            return "off: Triton is not installed"
        return None
    if compute.device.type != "cpu":
        return f"off: not on {compute.device.type}"
    if not any(map(shutil.which, COMPILERS)):
        return f"off: no C++ compiler ({' or '.join(COMPILERS)}) is installed"
    return None
