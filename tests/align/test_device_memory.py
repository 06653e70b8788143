"""The share of a GPU that a process may take."""

from __future__ import annotations

import pytest
import torch

from align.device import Compute
from align.device_memory import (
    RESERVE,
    free_memory,
    limit_to_free_memory,
    memory_fraction,
    spills_silently,
)

GIB = 2**30
CPU = Compute(torch.device("cpu"), torch.float32, None)


@pytest.mark.parametrize(
    ("free", "total", "share"),
    [
        (8 * GIB, 8 * GIB, 0.875),
        (5 * GIB, 8 * GIB, 0.5),
        (40 * GIB, 40 * GIB, 0.975),
        # Where next to nothing is free, it runs out at its first large tensor.
        (0, 8 * GIB, 0.125),
    ],
)
def test_a_process_may_take_what_is_free_but_for_a_reserve(free, total, share):
    assert memory_fraction(free, total, reserve=GIB) == share


def test_with_everything_free_it_is_nearly_all():
    assert 0.95 < memory_fraction(8 * GIB, 8 * GIB) < 1
    assert memory_fraction(GIB, RESERVE // 2) == 1.0


def test_only_windows_spills_silently():
    assert spills_silently("win32", "10")
    assert spills_silently("linux", "6.6.36-microsoft-standard-WSL2")
    assert not spills_silently("linux", "6.8.0-51-generic")
    assert not spills_silently("darwin", "23.5.0")


def test_nothing_is_limited_without_a_gpu():
    assert limit_to_free_memory(CPU) is None
    assert free_memory(CPU) > 0
