"""The system that Palate runs on: cards, drivers and torch's build, asked without torch."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from align.client.devices.chosen_devices import Card
from align.client.devices.nvidia_smi import NvidiaCard, find_nvidia_smi, nvidia_cards
from align.client.devices.torch_build import TorchBuild, torch_build
from align.contracts.devices import GIB

DRM = Path("/sys/class/drm")
KERNEL = Path("/proc/version")
AMD, INTEL = "0x1002", "0x8086"
MIN_AMD_MEMORY = 6 * GIB
"""Below it is mostly a graphics unit within a processor, which ROCm's builds do not serve."""
INTEL_CARDS = (range(0x5690, 0x56C4), range(0xE200, 0xE300))
"""Device ids of Arc A (Alchemist) and Arc B (Battlemage). Source: include/drm/intel/pciids.h of
Linux. Other ids are of graphics units within processors."""


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What can be known of a system without loading anything."""

    system: str
    """As sys.platform has it: linux, win32, darwin."""
    machine: str
    """Kind of processor: x86_64, AMD64, arm64, ..."""
    torch: TorchBuild | None
    nvidia: tuple[NvidiaCard, ...] = ()
    has_nvidia_smi: bool = False
    amd: tuple[int, ...] = ()
    """Memory of AMD's cards in bytes, without small ones."""
    intel: int = 0
    """Number of Intel's cards, without graphics units of processors."""
    wsl: bool = False
    """Whether this is Linux within Windows."""


def system_facts() -> SystemFacts:
    """Ask the system; takes a second or two where there is an NVIDIA driver, at most ten."""
    linux = sys.platform == "linux"
    has_nvidia_smi = find_nvidia_smi() is not None
    return SystemFacts(
        sys.platform,
        platform.machine(),
        torch_build(),
        tuple(nvidia_cards()) if has_nvidia_smi else (),
        has_nvidia_smi,
        tuple(amd_cards(DRM)) if linux else (),
        intel_cards(DRM) if linux else 0,
        linux and is_wsl(KERNEL),
    )


def is_wsl(kernel: Path) -> bool:
    """Return whether a Linux kernel is the one of Windows' subsystem."""
    return "microsoft" in _read(kernel).lower()


def amd_cards(drm: Path) -> list[int]:
    """Return the memory of each of AMD's cards, in bytes."""
    sizes = [_read(card / "mem_info_vram_total") for card in _cards(drm, AMD)]
    return [int(size) for size in sizes if size.isdigit() and int(size) >= MIN_AMD_MEMORY]


def intel_cards(drm: Path) -> int:
    """Return how many cards of Intel's there are."""
    ids = [_read(card / "device") for card in _cards(drm, INTEL)]
    return sum(any(int(each, 16) in found for found in INTEL_CARDS) for each in ids if each)


def _cards(drm: Path, vendor: str) -> list[Path]:
    """Return the folders of a vendor's cards, in the order of their numbers."""
    found = [card / "device" for card in drm.glob("card*") if card.name[4:].isdigit()]
    return [card for card in sorted(found) if _read(card / "vendor") == vendor]


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def named_cards(facts: SystemFacts) -> Sequence[Card] | None:
    """Return the cards that --devices may name; None where nobody can tell."""
    if facts.nvidia:
        return [Card(card.index, card.uuid) for card in facts.nvidia]
    # Theirs are numbered by libraries that come with torch; Windows has no list for everybody.
    if facts.amd or facts.intel or facts.system == "win32":
        return None
    return []
