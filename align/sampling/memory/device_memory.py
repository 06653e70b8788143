"""Memory of the device that renders: how much of it there is, and its errors."""

from __future__ import annotations

from typing import Protocol

import torch

from align.device import Compute
from align.device_memory import memory_fraction, spills_silently

MEMORY_PHRASES = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""In errors of libraries, and of Apple's devices, that have no class of their own."""


class DeviceMemory(Protocol):
    """Memory of one device."""

    @property
    def offloads(self) -> bool:
        """Return whether it is apart from main memory, so that what leaves it frees room."""

    def total(self) -> int:
        """Return its bytes."""

    def free(self) -> int:
        """Return the bytes that nobody holds."""

    def room(self) -> int:
        """Return the bytes that this process may use, what it holds already included."""

    def release(self) -> None:
        """Give back what this process holds and does not use."""


class CardMemory:
    """Memory of a card of its own: NVIDIA's, or AMD's."""

    offloads = True

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def total(self) -> int:
        """Return its bytes."""
        return int(torch.cuda.mem_get_info(self._device)[1])

    def free(self) -> int:
        """Return the bytes that nobody holds."""
        return int(torch.cuda.mem_get_info(self._device)[0])

    def room(self) -> int:
        """Return them with those that torch's allocator holds.

        It is bound to them where more would go to main memory without a word, anew each time: what
        others hold comes and goes.
        """
        room = self.free() + int(torch.cuda.memory_reserved(self._device))
        if spills_silently():
            share = memory_fraction(room, self.total())
            torch.cuda.set_per_process_memory_fraction(share, self._device)
        return room

    def release(self) -> None:
        """Give back the blocks that the allocator keeps for later."""
        torch.cuda.empty_cache()


def device_memory(compute: Compute) -> DeviceMemory | None:
    """Return the memory of a card; None where the device shares main memory."""
    return CardMemory(compute.device) if compute.device.type == "cuda" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the device had no room for something; it works on after that."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    if not isinstance(error, RuntimeError) or isinstance(error, torch.AcceleratorError):
        return False
    return any(phrase in str(error) for phrase in MEMORY_PHRASES)
