"""A test double of a device's memory: tensors beyond a limit are refused, as an allocator does.

On the meta device nothing is allocated, so that a network of any size runs by its shapes alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class SmallDevice(TorchDispatchMode):
    """Memory of so many bytes, for what is made inside its block and what it is told of."""

    def __init__(self, limit: float = float("inf"), device: str = "cpu") -> None:
        super().__init__()
        self.limit = limit
        self._device = device
        self.now = self.peak = 0
        self.refused = 0
        """Allocations that did not fit."""
        self._known: weakref.WeakKeyDictionary[torch.UntypedStorage, None] = (
            weakref.WeakKeyDictionary()
        )

    def hold(self, *networks: torch.nn.Module) -> None:
        """Count the weights of networks that were made before."""
        for network in networks:
            for tensor in [*network.parameters(), *network.buffers()]:
                self._count(tensor)

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if tensor.device.type != self._device or storage in self._known:
            return
        size = storage.nbytes()
        if self.now + size > self.limit:
            self.refused += 1
            raise torch.OutOfMemoryError(f"{size:,} bytes beside {self.now:,} of {self.limit:,}")
        self._known[storage] = None
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.now -= size

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count what it made."""
        result = func(*args, **(kwargs or {}))
        for value in tree_iter(result):
            if isinstance(value, Tensor):
                self._count(value)
        return result
