"""The share of a GPU that a process may take."""

from __future__ import annotations

import platform

import pytest
import torch

from align.device import Compute
from align.device_memory import (
    RESERVE,
    free_memory,
    is_out_of_memory,
    limit_to_free_memory,
    memory_fraction,
    spills_silently,
)
from align.sampling.memory.device_memory import CardMemory

GIB = 2**30
CPU = Compute(torch.device("cpu"), torch.float32, None)
CARD = Compute(torch.device("cuda"), torch.float16, torch.float16)


@pytest.fixture
def card_in_windows(monkeypatch) -> list[tuple[float, int]]:
    """The driver of a second card of 8 GB with 6 of them free; returns the limits it is given."""
    limits: list[tuple[float, int]] = []
    monkeypatch.setattr(platform, "release", lambda: "6.6.36-microsoft-standard-WSL2")
    monkeypatch.setattr(torch.cuda.memory, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (6 * GIB, 8 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda *_: GIB)
    take = lambda share, index: limits.append((share, index))  # noqa: E731
    monkeypatch.setattr(torch._C, "_cuda_setMemoryFraction", take, raising=False)
    return limits


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


def test_in_windows_a_run_takes_no_more_than_is_free(card_in_windows):
    share = limit_to_free_memory(CARD)
    assert card_in_windows == [(share, 1)]
    assert share * 8 * GIB == 6 * GIB - RESERVE


def test_in_windows_the_image_model_takes_no_more_than_is_free_beside_its_own(card_in_windows):
    assert CardMemory(CARD).room() == 7 * GIB
    assert card_in_windows == [((7 * GIB - RESERVE) / (8 * GIB), 1)]


def test_main_memory_runs_out_too():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
