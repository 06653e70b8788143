"""Device and number formats to compute with."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

import psutil
import torch

from align.contracts.devices import ON_CPU

FIRST_CUDA_MAJOR_WITH_BF16 = 8
"""Compute capability of Ampere: A100, RTX 30."""
AMD_ARCHITECTURES_WITH_BF16 = ("gfx908", "gfx90a", "gfx94", "gfx95", "gfx11", "gfx12")
"""MI100 and later, RDNA 3 and later."""


@dataclass(frozen=True)
class Compute:
    """A device, and the number formats of weights and matrix products on it."""

    device: torch.device
    weights: torch.dtype
    """Format of the frozen base weights."""
    autocast: torch.dtype | None
    """Format of matrix products; None stands for that of the weights."""

    def autocasting(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which networks run."""
        if self.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast)

    def autocasting_autoencoder(self) -> contextlib.AbstractContextManager[None]:
        """Return the context in which the autoencoder runs, never in fp16."""
        # Activations of SDXL's autoencoder leave the range of fp16.
        if self.autocast != torch.float16:
            return self.autocasting()
        return torch.autocast(self.device.type, enabled=False)


def choose_compute(
    precision: str = "auto", full_size: bool = False, training: bool = False
) -> Compute:
    """Return the fastest device here, and the formats that it is quick and safe in.

    `precision` "fp32" forgoes speed for numbers that hardly depend on batch shapes. Models of
    SDXL's `full_size` hold their weights in 16 bits where that can be.
    """
    device = best_device()
    if precision == "fp32":
        return Compute(device, torch.float32, None)
    return Compute(device, *number_formats(device.type, quick_bf16(device), full_size, training))


def number_formats(
    kind: str, bf16: bool, full_size: bool, training: bool
) -> tuple[torch.dtype, torch.dtype | None]:
    """Return the formats of weights and of matrix products on a kind of device.

    `bf16` tells whether it has instructions for it.
    """
    if kind in ("cuda", "xpu"):
        half = torch.bfloat16 if bf16 else torch.float16
        return half, half
    if kind == "mps":
        return _formats_of_apple(bf16, full_size, training)
    if not bf16:
        return torch.float32, None
    # On a CPU small models gain nothing from weights in bf16, and keep the digits that they were
    # compared with. Large ones take half the memory, and are not converted anew in every pass.
    return (torch.bfloat16 if full_size else torch.float32), torch.bfloat16


def _formats_of_apple(
    bf16: bool, full_size: bool, training: bool
) -> tuple[torch.dtype, torch.dtype | None]:
    """Return formats for Apple's GPUs, whose memory is the machine's."""
    if not full_size:
        return torch.float32, None
    # Every chip of theirs computes in fp16 as fast as it can, the first ones emulate bf16.
    if not training:
        return torch.float16, torch.float16
    # Gradients in fp16 need a scale, and a range that bf16 has without one.
    return (torch.bfloat16, torch.bfloat16) if bf16 else (torch.float32, None)


def quick_bf16(device: torch.device) -> bool:
    """Return whether a device computes in bf16 by its own instructions."""
    if device.type == "cuda":
        return computes_bf16()
    if device.type == "xpu":
        return bool(torch.xpu.is_bf16_supported())
    if device.type == "mps":
        # As accelerate has it, in `is_bf16_available`.
        return bool(torch.backends.mps.is_macos_or_newer(14, 0))
    return bool(torch.cpu._is_avx512_bf16_supported())


def computes_bf16() -> bool:
    """Return whether the current GPU has instructions for bf16."""
    # torch.cuda.is_bf16_supported is also true of T4, V100 and RTX 20, where torch emulates bf16,
    # slower than fp32.
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    if torch.version.hip:
        return str(getattr(properties, "gcnArchName", "")).startswith(AMD_ARCHITECTURES_WITH_BF16)
    return int(properties.major) >= FIRST_CUDA_MAJOR_WITH_BF16


def best_device() -> torch.device:
    """Return CUDA (or ROCm) where there is one, else Intel's XPU or Apple's MPS, else the CPU."""
    if os.environ.get(ON_CPU) == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.xpu.is_available():
        return torch.device("xpu")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def memory(compute: Compute) -> tuple[int, int]:
    """Return the device's total memory and the memory in use, in bytes."""
    if compute.device.type in ("cuda", "xpu"):
        interface = torch.cuda if compute.device.type == "cuda" else torch.xpu
        free, total = interface.mem_get_info()
        return total, total - free
    virtual = psutil.virtual_memory()
    if compute.device.type == "mps":
        limit = torch.mps.recommended_max_memory()
        return unified_memory(virtual.total, virtual.available, limit)
    return virtual.total, virtual.used


def unified_memory(total: int, available: int, limit: int) -> tuple[int, int]:
    """Return memory and memory in use of a GPU that shares the machine's.

    What the GPU holds is in use in the machine already, and so is what every other program holds:
    it is counted once, as what is not `available`. Beyond `limit` the GPU slows down, however much
    is left, so it is no more than that.
    """
    usable = min(total, limit) if limit > 0 else total
    return usable, usable - min(usable, available)
