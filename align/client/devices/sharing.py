"""Sharing: whether a run and the image model can be on one device at a time."""

from __future__ import annotations

from align.contracts.models import ModelInfo
from align.contracts.rendering import SamplerState

GIB = 2**30
BF16 = "bf16"
FULL_SIZE_ON_CPU, IN_FP32 = 10 * GIB, 18 * GIB
"""Main memory that a run of SDXL's size takes on a CPU, with weights in bf16 and in fp32: 9 GB were
measured in bf16, a pair at a time. In fp32 the weights alone are 14 GB."""


def takes_turns(
    sampler: SamplerState,
    model: ModelInfo,
    memory_of_run: int,
    available: int,
    apart: bool = False,
) -> bool:
    """Return whether the image model has to stop while a run trains.

    Args:
        memory_of_run: Bytes that a run needs.
        available: Bytes of main memory that can be had without swapping, beside the image model.
        apart: Whether the image model has a device of its own.
    """
    if apart:
        return False
    # A run and the image model take turns on a CPU within their work, by a lock, if both fit.
    if sampler.device == "cpu":
        weights = sampler.facts.weight_format if sampler.facts else ""
        needed = FULL_SIZE_ON_CPU if weights == BF16 else IN_FP32
        return model.full_size and available < needed
    if not sampler.memory_total:
        return False
    # A Mac's memory is everybody's: what two large models push out of it is the desktop.
    if sampler.device == "mps" and model.full_size:
        return True
    return sampler.memory_total - sampler.memory_used < memory_of_run
