"""Devices: the facts of one, as a process that computes on it tells them, and who uses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GIB = 2**30
SIGNIFICANT_GIB = 10
"""From this many on, a size is told in whole ones."""
TOLD_HOLDERS = 3
"""Processes that a sentence names; the others are counted."""
ON_CPU = "PALATE_DEVICE"
"""Variable that keeps a process on the CPU, since no variable hides a chip of Apple's."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device, and what computing on it is done with."""

    kind: str
    """Type of the device as torch has it: cpu, cuda (NVIDIA and AMD), mps, xpu."""
    name: str
    memory_total: int
    """Bytes; of a CPU and of Apple's chips, the machine's."""
    memory_free: int
    weight_format: str
    """Format of frozen weights: fp32, bf16 or fp16."""
    number_format: str
    """Format of matrix products."""
    attention: str
    """Kernel that attention takes: flash, memory-efficient, cuDNN, plain, or none that is known."""
    torch: str
    """Version of torch, without its build."""
    build: str
    """What torch was built for: cpu, cu130, rocm6.4, xpu, ..."""
    index: int | None = None
    """The card's number, counted as nvidia-smi counts; None where there is one device."""
    uuid: str = ""
    """The card as nvidia-smi names it, which holds whatever is hidden from a process."""
    capability: str = ""
    """Compute capability of an NVIDIA card (8.9), architecture of an AMD one (gfx1100)."""
    instructions: str = ""
    """Of a CPU, the widest that torch uses: AVX512-BF16, AVX512, AVX2, ..."""

    def summary(self) -> str:
        """Return card, memory, number format and attention in a line."""
        name = f"{self.name} (CPU)" if self.kind == "cpu" else self.name
        kernel = f"{self.attention} attention" if self.attention else ""
        # A CPU is told apart by its instructions: they decide whether bf16 is quick.
        last = self.instructions or kernel if self.kind == "cpu" else kernel
        facts = [name, in_gb(self.memory_total), self.formats(), last]
        return ", ".join(fact for fact in facts if fact)

    def formats(self) -> str:
        """Return the number format, of weights and of products where they differ."""
        if self.weight_format == self.number_format:
            return self.number_format
        return f"{self.number_format} products of {self.weight_format} weights"


@dataclass(frozen=True, slots=True)
class MemoryHolder:
    """A process that holds memory of a card."""

    pid: int
    name: str
    """The program; empty where the process cannot be seen from here."""
    memory: int | None = None
    """Bytes; None where the driver does not tell, as on Windows."""


def in_gb(size: int) -> str:
    """Return bytes in the unit that cards are sold in, which is GiB; empty for none."""
    if size <= 0:
        return ""
    amount = size / GIB
    return f"{amount:.0f} GB" if amount >= SIGNIFICANT_GIB else f"{amount:.1f} GB"


def read_facts(message: dict[str, Any] | None) -> DeviceFacts | None:
    """Read facts from JSON, where there are any."""
    return None if message is None else DeviceFacts(**message)


def holders_sentence(holders: Sequence[MemoryHolder]) -> str:
    """Return who uses a card in a sentence, who holds most first; empty for nobody."""
    if not holders:
        return ""
    by_size = sorted(holders, key=lambda holder: -(holder.memory or 0))
    told = [_told(holder) for holder in by_size[:TOLD_HOLDERS]]
    if others := len(by_size) - len(told):
        told.append(f"{others} more")
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"{listed} {'uses' if len(by_size) == 1 else 'use'} the card now."


def _told(holder: MemoryHolder) -> str:
    facts = ", ".join(f for f in (f"process {holder.pid}", in_gb(holder.memory or 0)) if f)
    return f"{holder.name} ({facts})" if holder.name else f"a program ({facts})"
