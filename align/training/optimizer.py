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
from align.weights.quantized import INSTALL_SMALL, LAYERS

MIN_8BIT = 4096
"""Numbers of a tensor from which bitsandbytes keeps its moments in 8 bits."""
COMPILERS = ("cl",) if sys.platform == "win32" else ("g++", "clang++", "c++")


def check_optimizer(config: TrainConfig, compute: Compute) -> None:
    """Check that the optimizer can run on this device, before anything is loaded.

    Raises:
        InvalidSettings: no bitsandbytes, or a device that it has no kernels for.
    """
    if config.optimizer == "adamw":
        return
    try:
        import bitsandbytes  # noqa: F401, PLC0415  optional, and slow to import
    except ImportError as error:
        raise InvalidSettings(
            'The optimizer "adamw8bit" needs bitsandbytes, which cannot be imported '
            f"({first_line(error)}). Install it with {INSTALL_SMALL}, or set "
            '"optimizer": "adamw".'
        ) from None

    try:
        probe = torch.nn.Parameter(torch.ones(MIN_8BIT, device=compute.device))
        probe.grad = torch.ones_like(probe)
        eight_bit_adamw([probe], 1e-3).step()
    except (RuntimeError, NotImplementedError, OSError) as error:
        raise InvalidSettings(
            f'The optimizer "adamw8bit" does not work on this {compute.device.type} '
            f'({first_line(error)}). Set "optimizer": "adamw".'
        ) from None


def eight_bit_adamw(parameters: list[torch.nn.Parameter], rate: float) -> torch.optim.Optimizer:
    """Create AdamW with moments in 8 bits, those of small tensors excepted."""
    from bitsandbytes.optim import AdamW8bit  # noqa: PLC0415  optional

    optimizer: torch.optim.Optimizer = AdamW8bit(parameters, lr=rate, weight_decay=0.0)
    return optimizer


def optimizer_for(
    trainable: Trainable, config: TrainConfig, compute: Compute
) -> torch.optim.Optimizer:
    """Create AdamW, fused into one kernel on CUDA, or with moments in 8 bits."""
    if config.optimizer == "adamw8bit":
        return eight_bit_adamw(trainable.parameters, config.learning_rate)
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
