"""Memory of a GPU: how much of it there is, and how what is not used is given back."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from align.device import Compute, memory
from align.device_memory import free_memory, limit_to, spills_silently


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
    """Memory of a card of its own: NVIDIA's, AMD's or Intel's."""

    offloads = True

    def __init__(self, compute: Compute) -> None:
        self._compute, self._device = compute, compute.device
        self._torch: Any = torch.xpu if compute.device.type == "xpu" else torch.cuda

    def total(self) -> int:
        """Return its bytes."""
        return memory(self._compute)[0]

    def free(self) -> int:
        """Return the bytes that nobody holds."""
        return free_memory(self._compute)

    def room(self) -> int:
        """Return them with those that torch's allocator holds.

        It is bound to them where more would go to main memory without a word, anew each time: what
        others hold comes and goes.
        """
        room = self.free() + int(self._torch.memory_reserved(self._device))
        if self._device.type == "cuda" and spills_silently():
            limit_to(room, self._compute)
        return room

    def release(self) -> None:
        """Give back the blocks that the allocator keeps for later."""
        self._torch.empty_cache()


class UnifiedMemory:
    """Memory that Apple's GPUs share with the machine."""

    offloads = False

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def total(self) -> int:
        """Return the bytes that the GPU may use."""
        return memory(self._compute)[0]

    def free(self) -> int:
        """Return those that nobody holds."""
        return free_memory(self._compute)

    def room(self) -> int:
        """Return them with those that this process holds for the GPU."""
        return min(self.total(), self.free() + int(torch.mps.driver_allocated_memory()))

    def release(self) -> None:
        """Give back the blocks that the allocator keeps for later."""
        torch.mps.empty_cache()


def device_memory(compute: Compute) -> DeviceMemory | None:
    """Return the memory of a GPU; None for a CPU, where the system finds room."""
    if compute.device.type == "mps":
        return UnifiedMemory(compute)
    return CardMemory(compute) if compute.device.type in ("cuda", "xpu") else None
