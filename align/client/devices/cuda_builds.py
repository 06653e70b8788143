"""CUDA builds of torch: the drivers that they need, and the cards that they have kernels for."""

from __future__ import annotations

from collections.abc import Mapping

MIN_DRIVER = {11: 450, 12: 525, 13: 580}
"""Oldest driver by major version of CUDA. Source: NVIDIA, CUDA Compatibility, Minor Version
Compatibility, table 1 (docs.nvidia.com/deploy/cuda-compatibility)."""
X86_KERNELS: Mapping[tuple[int, int], tuple[int, ...]] = {
    (12, 6): (50, 60, 70, 75, 80, 86, 90),
    (13, 0): (75, 80, 86, 90, 100, 120),
    (13, 2): (75, 80, 86, 90, 100, 120),
}
"""Compute capabilities, times ten, that a build of torch 2.13 has kernels for on x86, by version of
CUDA. Source: PYTORCH_RELEASES_CODE_CC in torch/cuda/__init__.py of torch 2.13, and RELEASE.md."""
DEFAULT, OLDER = (13, 0), (12, 6)
"""The build of PyPI for Linux, and the one for older drivers and cards."""


def tag(cuda: tuple[int, int]) -> str:
    """Return a version of CUDA as builds are named, such as cu130."""
    return f"cu{cuda[0]}{cuda[1]}"


def min_driver(cuda: tuple[int, int]) -> int:
    """Return the oldest driver for a version of CUDA; newer ones are taken to need the newest."""
    return MIN_DRIVER.get(cuda[0], max(MIN_DRIVER.values()) if cuda[0] > max(MIN_DRIVER) else 0)


def driver_major(version: str) -> int:
    """Return the first number of a driver's version; 0 where it cannot be read."""
    first = version.partition(".")[0]
    return int(first) if first.isdecimal() else 0


def has_kernels(cuda: tuple[int, int], capability: tuple[int, int]) -> bool:
    """Return whether a build has kernels for a card; builds that are not known are taken to.

    Kernels run on cards of their own major version, from their minor version on. Source: NVIDIA,
    CUDA C++ Programming Guide, Binary Compatibility.
    """
    kernels = X86_KERNELS.get(cuda)
    if kernels is None:
        return True
    major, minor = capability
    return any(kernel // 10 == major and kernel % 10 <= minor for kernel in kernels)


def build_for(driver: str, capability: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the version of CUDA whose build of torch serves a card and its driver; None for none.

    The one of PyPI comes first, which is best tested.
    """
    for cuda in (DEFAULT, OLDER):
        if driver_major(driver) < min_driver(cuda):
            continue
        if capability is None or has_kernels(cuda, capability):
            return cuda
    return None
