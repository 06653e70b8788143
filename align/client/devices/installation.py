"""Installation: where torch, a driver and a card do not fit, in a sentence with the command."""

from __future__ import annotations

from collections.abc import Callable

from align.client.devices.cuda_builds import (
    build_for,
    driver_major,
    has_kernels,
    min_driver,
    tag,
)
from align.client.devices.nvidia_smi import NvidiaCard
from align.client.devices.system import SystemFacts
from align.client.devices.torch_build import TorchBuild

DRIVERS = "https://www.nvidia.com/drivers"
TORCH_VERSION = "2.13.0"
"""The version that pyproject.toml pins."""
ROCM, XPU = "rocm7.2", "xpu"
"""Builds of that version for AMD's and Intel's cards."""
X86 = ("x86_64", "AMD64")


def installation_notices(facts: SystemFacts) -> list[str]:
    """Return what is wrong with the installation, a sentence each; nothing is refused for it."""
    checks: tuple[Callable[[SystemFacts], str | None], ...] = (
        missing_torch,
        intel_mac,
        silent_nvidia_smi,
        wsl_without_driver,
        cpu_build_beside_nvidia,
        old_driver,
        unsupported_card,
        other_build_beside_amd,
        other_build_beside_intel,
    )
    return [sentence for check in checks if (sentence := check(facts))]


def missing_torch(facts: SystemFacts) -> str | None:
    """Tell that torch is not installed."""
    if facts.torch is not None:
        return None
    return (
        "torch is not installed, so no image can be rendered. Install it: pip install "
        f"torch=={TORCH_VERSION}"
    )


def intel_mac(facts: SystemFacts) -> str | None:
    """Tell that this Python is one for Intel Macs."""
    if facts.system != "darwin" or facts.machine != "x86_64":
        return None
    return (
        "This Python is one for Intel Macs, for which there is no torch since 2.3. On Apple "
        "silicon install Python for arm64 (brew install python@3.12) and Palate in it; an Intel "
        "Mac cannot run Palate."
    )


def silent_nvidia_smi(facts: SystemFacts) -> str | None:
    """Tell that there is a driver which lists no card."""
    if not facts.has_nvidia_smi or facts.nvidia:
        return None
    return (
        "nvidia-smi is here and lists no card, so everything runs on the CPU. Restart the machine; "
        f"if nvidia-smi still fails, install NVIDIA's driver again ({DRIVERS})."
    )


def wsl_without_driver(facts: SystemFacts) -> str | None:
    """Tell that torch is for NVIDIA, and no driver of Windows reaches WSL."""
    cuda = facts.torch is not None and facts.torch.cuda is not None
    if not facts.wsl or facts.has_nvidia_smi or not cuda:
        return None
    return (
        "No NVIDIA driver reaches WSL, so everything runs on the CPU. With an NVIDIA card, install "
        f"its driver in Windows, not in WSL ({DRIVERS}), then: wsl --shutdown. Without one, the "
        f"CPU build of torch is smaller: {pip_install('cpu')}"
    )


def cpu_build_beside_nvidia(facts: SystemFacts) -> str | None:
    """Tell that torch is a CPU build on a machine with an NVIDIA card."""
    if facts.torch is None or facts.torch.build != "cpu" or not facts.nvidia:
        return None
    card = facts.nvidia[0]
    told = f"{card.name} is here, but this torch is the build for CPUs, so everything runs on the"
    return f"{told} CPU. {mend(card, facts)}"


def old_driver(facts: SystemFacts) -> str | None:
    """Tell that the driver is older than torch's version of CUDA needs."""
    cuda = _cuda_of(facts.torch)
    if cuda is None or not facts.nvidia:
        return None
    card, needed = facts.nvidia[0], min_driver(cuda)
    if not 0 < driver_major(card.driver) < needed:
        return None
    other = build_for(card.driver, card.capability)
    instead = f", or take torch's build for it: {pip_install(tag(other))}" if other else "."
    return (
        f"The NVIDIA driver {card.driver} is too old for this torch ({tag(cuda)}), which needs "
        f"{needed} or later, so everything runs on the CPU. Update it ({DRIVERS}){instead}"
    )


def unsupported_card(facts: SystemFacts) -> str | None:
    """Tell that torch has no kernels for a card."""
    cuda = _cuda_of(facts.torch)
    # Builds for other processors have kernels of their own, for the cards that come with those.
    if cuda is None or facts.machine not in X86:
        return None
    for card in facts.nvidia:
        if card.capability is not None and not has_kernels(cuda, card.capability):
            major, minor = card.capability
            return (
                f"This torch ({tag(cuda)}) has no kernels for {card.name}, of compute capability "
                f"{major}.{minor}. {mend(card, facts)}"
            )
    return None


def other_build_beside_amd(facts: SystemFacts) -> str | None:
    """Tell that torch is no build for AMD on a machine with an AMD card alone."""
    if facts.torch is None or facts.nvidia or not facts.amd or facts.torch.build.startswith("rocm"):
        return None
    return (
        f"An AMD card is here, but this torch is the build {facts.torch.build}, so everything runs "
        f"on the CPU. Install the one for AMD: {pip_install(ROCM)}"
    )


def other_build_beside_intel(facts: SystemFacts) -> str | None:
    """Tell that torch is no build for Intel on a machine with an Intel card alone."""
    alone = not facts.nvidia and not facts.amd
    if facts.torch is None or not alone or not facts.intel or facts.torch.build == XPU:
        return None
    return (
        f"An Intel Arc card is here, but this torch is the build {facts.torch.build}, so "
        f"everything runs on the CPU. Install the one for Intel: {pip_install(XPU)}"
    )


def mend(card: NvidiaCard, facts: SystemFacts) -> str:
    """Return what to do so that torch serves a card."""
    capability = card.capability if facts.machine in X86 else None
    if serves := build_for(card.driver, capability):
        return f"Install the build for it: {pip_install(tag(serves))}"
    # A driver that can be updated, to one that serves every build.
    newest = build_for("999", capability)
    if newest is None:
        return f"No build of torch {TORCH_VERSION} has any, so name another card or --devices cpu."
    return (
        f"Update its driver {card.driver} to {min_driver(newest)} or later ({DRIVERS}), then: "
        f"{pip_install(tag(newest))}"
    )


def pip_install(build: str) -> str:
    """Return the command that installs a build of torch in place of the one that is there."""
    # With the build in the version, or pip would keep another build of the same version.
    index = f"https://download.pytorch.org/whl/{build}"
    return f"pip install torch=={TORCH_VERSION}+{build} --index-url {index}"


def _cuda_of(torch: TorchBuild | None) -> tuple[int, int] | None:
    return torch.cuda if torch is not None else None
