"""Free memory of the device, the share of it that this process may take, and its errors.

On Windows the driver moves what does not fit into shared memory, and everything becomes many times
slower without an error. A limit on the process makes it run out instead, and then fewer pairs or
images go at once.
"""

from __future__ import annotations

import platform
import sys

import psutil
import torch

from align.device import Compute, memory

RESERVE = 256 * 2**20
"""Bytes left to others on the device: a desktop draws with them."""
MEMORY_PHRASES = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DefaultCPUAllocator",
)
"""In errors that have no class of their own: of libraries, Apple's devices and main memory."""


def free_memory(compute: Compute) -> int:
    """Return the free bytes of the device's memory."""
    if compute.device.type == "cpu":
        return int(psutil.virtual_memory().available)
    total, used = memory(compute)
    return total - used


def memory_fraction(free: int, total: int, reserve: int = RESERVE) -> float:
    """Return the share of all memory that a process may take where so many bytes are free.

    `reserve` is what it leaves of them. Never nothing: an allocation should fail where it is made,
    with the sentence of whoever made it.
    """
    return min(1.0, max(free - reserve, reserve) / total)


def limit_to_free_memory(compute: Compute) -> float | None:
    """Let this process take no more of its GPU than is free now, where more would spill silently.

    Call it before anything is loaded, with the card of this process chosen. Returns the share, and
    None where nothing is limited.
    """
    if compute.device.type != "cuda" or not spills_silently():
        return None
    return limit_to(free_memory(compute), compute)


def limit_to(room: int, compute: Compute) -> float:
    """Let this process take no more of its GPU than `room` bytes; returns the share of all."""
    share = memory_fraction(room, memory(compute)[0])
    # Of the current card: torch takes no device without a number here.
    torch.cuda.set_per_process_memory_fraction(share)
    return share


def spills_silently(system: str = sys.platform, release: str | None = None) -> bool:
    """Return whether the driver moves what does not fit into the machine's memory: on Windows.

    `release` is the kernel's, which names Microsoft in the Linux that runs inside of Windows.
    """
    release = platform.release() if release is None else release
    return system == "win32" or "microsoft" in release.lower()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the device had no room for something; it works on after that."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    if not isinstance(error, RuntimeError) or isinstance(error, torch.AcceleratorError):
        return False
    return any(phrase in str(error) for phrase in MEMORY_PHRASES)
