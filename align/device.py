"""Device and number formats to compute with."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil
import torch

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


def choose_compute(precision: str = "auto", full_size: bool = False) -> Compute:
    """Return the fastest device here; on a CPU bf16 only where it has instructions for it.

    `precision` "fp32" forgoes speed for numbers that hardly depend on batch shapes. Models of
    SDXL's `full_size` hold their weights in bf16 on such a CPU, as on a GPU: half the memory, and
    no layer's weights are converted anew in every pass.
    """
    if precision == "fp32":
        return Compute(best_device(), torch.float32, None)

    if torch.cuda.is_available():
        half = torch.bfloat16 if computes_bf16() else torch.float16
        return Compute(torch.device("cuda"), half, half)
    # On MPS bf16 depends on the version of macOS, and on the chip whether it gains anything.
    if torch.backends.mps.is_available():
        return Compute(torch.device("mps"), torch.float32, None)

    if not torch.cpu._is_avx512_bf16_supported():
        return Compute(torch.device("cpu"), torch.float32, None)
    # Small models gain nothing from it, and keep the digits that they were compared with.
    weights = torch.bfloat16 if full_size else torch.float32
    return Compute(torch.device("cpu"), weights, torch.bfloat16)


def computes_bf16() -> bool:
    """Return whether the current GPU has instructions for bf16."""
    # torch.cuda.is_bf16_supported is also true of T4, V100 and RTX 20, where torch emulates bf16,
    # slower than fp32.
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    if torch.version.hip:
        return str(getattr(properties, "gcnArchName", "")).startswith(AMD_ARCHITECTURES_WITH_BF16)
    return int(properties.major) >= FIRST_CUDA_MAJOR_WITH_BF16


def best_device() -> torch.device:
    """Return CUDA (or ROCm) where there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def memory(compute: Compute) -> tuple[int, int]:
    """Return the device's total memory and the memory in use, in bytes."""
    if compute.device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        return total, total - free
    virtual = psutil.virtual_memory()
    return virtual.total, virtual.used
