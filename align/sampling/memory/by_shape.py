"""Bytes that work without gradients holds at once, counted on the meta device by shape alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from align.card_by_shape import CardByShape


def peak_bytes(work: Callable[[], object], autocast: torch.dtype | None = None) -> int:
    """Return the most bytes that `work` holds at once on the meta device.

    What was there before it, such as weights, does not count. `autocast` is the format of matrix
    products, as in `align.device.Compute`.
    """
    storages = LiveStorages()
    with torch.no_grad(), CardByShape(autocast), storages:
        work()
    return int(storages.peak)


class LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types
    """Counts the storages that operations make, each until it is freed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: int = 0
        self.peak: int = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count what it made."""
        # What it is given was there before, or is known: a view of a weight is no new storage.
        self._known.update(_storages((args, kwargs)))
        result = func(*args, **(kwargs or {}))
        for storage in _storages(result):
            if storage not in self._known:
                self._count(storage)
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        self._known.add(storage)
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.live -= size


def _storages(values: Any) -> list[torch.UntypedStorage]:
    """Return the storages of all tensors of the meta device in a nest of values."""
    tensors = (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))
    return [tensor.untyped_storage() for tensor in tensors if tensor.device.type == "meta"]
