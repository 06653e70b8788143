"""Encoded images and prompts of a run, of which as many as may be are in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias, TypeVar, overload

from torch import Tensor

from align.data.latent_cache import TensorCache
from align.errors import BrokenRun

MEMORY_BYTES = 2 * 2**30
"""Of encoded images, and again of encoded prompts; others are read from the cache each time. A
thousand images at full size take a quarter of a gigabyte, a thousand prompts two thirds of one."""
Tensors: TypeAlias = dict[str, Tensor]
Row = TypeVar("Row", Tensor, Tensors)


class Rows(Sequence[Row]):
    """Rows that are made when they are asked for."""

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self.row(number) for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        return self.row(number)

    @abstractmethod
    def row(self, number: int) -> Row:
        """Return a row by its number, from 0."""


class CachedRows(Rows[Tensors]):
    """Tensors of a cache in the order of their keys."""

    def __init__(
        self, cache: TensorCache, keys: Sequence[str], most_bytes: int = MEMORY_BYTES
    ) -> None:
        self._cache, self._keys = cache, keys
        self._kept: OrderedDict[int, Tensors] = OrderedDict()
        self._room = most_bytes

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, number: int) -> Tensors:
        """Return a row; raises BrokenRun where the cache has lost it since."""
        if number in self._kept:
            self._kept.move_to_end(number)
        elif not self.find(number):
            raise BrokenRun(
                "An encoded image or prompt has gone from the cache of this run, or is damaged. "
                "Resume the run: it is encoded again."
            )
        return self._kept[number]

    def find(self, number: int) -> bool:
        """Read a row from the cache; return whether it is there and whole."""
        if (tensors := self._cache.get(self._keys[number])) is None:
            return False
        self._keep(number, tensors)
        return True

    def put(self, number: int, tensors: Tensors) -> None:
        """Store a row that the cache does not hold yet."""
        self._cache.put(self._keys[number], tensors)
        self._keep(number, tensors)

    def _keep(self, number: int, tensors: Tensors) -> None:
        """Keep a row in memory, in place of those that were not needed for longest."""
        self._kept[number] = tensors
        self._room -= bytes_of(tensors)
        while self._room < 0 and len(self._kept) > 1:
            self._room += bytes_of(self._kept.popitem(last=False)[1])


class Latents(Rows[Tensor]):
    """Latents [C, H, W] of encoded images."""

    def __init__(self, encoded: Sequence[Tensors]) -> None:
        self._encoded = encoded

    def __len__(self) -> int:
        return len(self._encoded)

    def row(self, number: int) -> Tensor:
        """Return the latents of one image."""
        return self._encoded[number]["latent"]


class WithLast(Rows[Tensors]):
    """Rows, and one more at their end."""

    def __init__(self, rows: Sequence[Tensors], last: Tensors) -> None:
        self._rows, self._last = rows, last

    def __len__(self) -> int:
        return len(self._rows) + 1

    def row(self, number: int) -> Tensors:
        """Return a row by its number."""
        return self._last if number == len(self._rows) else self._rows[number]


def bytes_of(tensors: Tensors) -> int:
    """Return the memory that tensors take."""
    return sum(tensor.nbytes for tensor in tensors.values())
