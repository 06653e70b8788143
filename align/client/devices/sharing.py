"""Sharing: whether a run and the image model can be on one device at a time."""

from __future__ import annotations

from align.contracts.models import ModelInfo
from align.contracts.rendering import SamplerState


def takes_turns(
    sampler: SamplerState, model: ModelInfo, memory_of_run: int, apart: bool = False
) -> bool:
    """Return whether the image model has to stop while a run trains.

    Args:
        memory_of_run: Bytes that a run needs.
        apart: Whether the image model has a device of its own.
    """
    # On a CPU a run and the image model take turns within their work, by a lock.
    if apart or sampler.device == "cpu" or not sampler.memory_total:
        return False
    # A Mac's memory is everybody's: what two large models push out of it is the desktop.
    if sampler.device == "mps" and model.full_size:
        return True
    return sampler.memory_total - sampler.memory_used < memory_of_run
