"""Speed of a device at a full-size SDXL, from its name and memory, until a run has measured it.

Vendors' figures of dense 16-bit matrix products that are summed in fp32, in TFLOP/s. Of these a
trainer gets a part: a full-size LoRA step at batch 1 on an RTX 3090 takes 1.2 s by public reports
(bmaltais/kohya_ss issue 1730), three passes of 6.8 TFLOP, which is a quarter of its 71.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from align.contracts.image_sizes import SDXL_SIDE

SHARE = 0.25
"""Of a card's figure that a run gets, until one is measured."""
CARDS = (
    # Longer names first: "4070 Ti" is no "4070".
    ("5090", 210.0), ("5080", 113.0), ("5070 Ti", 88.0), ("5070", 62.0), ("5060 Ti", 47.0),
    ("5060", 38.0), ("4090", 165.0), ("4080 SUPER", 104.0), ("4080", 97.0),
    ("4070 Ti SUPER", 88.0), ("4070 Ti", 80.0), ("4070 SUPER", 71.0), ("4070", 58.0),
    ("4060 Ti", 44.0), ("4060", 30.0), ("3090 Ti", 80.0), ("3090", 71.0), ("3080 Ti", 68.0),
    ("3080", 60.0), ("3070 Ti", 43.0), ("3070", 41.0), ("3060 Ti", 32.0), ("3060", 25.0),
    ("3050", 18.0), ("2080 Ti", 54.0), ("2080", 40.0), ("2070", 30.0), ("2060", 26.0),
    ("GTX 16..", 8.0), ("GTX 10..", 5.0), ("H200", 989.0), ("H100", 750.0), ("A100", 312.0),
    ("L40S?", 181.0), ("L4", 60.0), ("A4000", 77.0), ("A40", 150.0), ("A10G", 70.0), ("A10", 125.0),
    ("T4", 40.0), ("V100", 112.0), ("P100", 18.0), ("6000 Ada", 182.0), ("A6000", 155.0),
    ("A5000", 111.0),
)  # fmt: skip
"""Names as the driver gives them contain these patterns, and no more of that word: an RTX A1000
is no A100."""
LAPTOP, LAPTOP_SHARE = "laptop", 0.6
"""Cards of laptops bear the names of larger ones."""
BY_MEMORY = ((1, 25.0), (9e9, 20.0), (15e9, 25.0), (20e9, 40.0), (30e9, 60.0), (50e9, 100.0))
"""Of a card whose name is not known: a slow one of those with less memory than so many bytes,
and of one that is not known at all."""
LARGEST = 250.0
APPLE = 6.0
"""What the middle ones of Apple's chips reach, by guess: not run on a Mac."""
PER_CORE = 0.05
"""TFLOP/s that a processor's core reaches: two with instructions for bf16 reached 0.23 here, those
without, less than half."""


@dataclass(frozen=True)
class PlanDevice:
    """The device of a run, as far as it is known before the run starts."""

    kind: str = ""
    """cpu, cuda, mps, ...; empty where it is not known."""
    name: str = ""
    memory: int = 0
    """Bytes; 0 where it is not known."""
    cores: int = 1


def forward_tflop(side: int) -> float:
    """Return what a forward pass of SDXL's UNet computes for one image of side² pixels, in TFLOP.

    Counted by torch's own counter on the meta device (`python tests/bench/sdxl.py time`): what
    grows with the pixels, self-attention, which grows with their square, and the text's keys.
    """
    area = (side / SDXL_SIDE) ** 2
    return 0.052 + 5.957 * area + 0.752 * area**2


def reached_tflops(device: PlanDevice) -> float:
    """Return the TFLOP/s that training is expected to reach on a device."""
    if device.kind == "cpu":
        return PER_CORE * device.cores
    if device.kind == "mps":
        return APPLE
    called = device.name.lower()
    for pattern, peak in CARDS:
        if re.search(rf"{pattern.lower()}(?![0-9a-z])", called):
            return SHARE * peak * (LAPTOP_SHARE if LAPTOP in called else 1)
    for memory, peak in BY_MEMORY:
        if device.memory < memory:
            return SHARE * peak
    return SHARE * LARGEST


def expected_forward_s(device: PlanDevice, side: int) -> float:
    """Return the seconds that a forward pass of one image of side² pixels should take."""
    return forward_tflop(side) / reached_tflops(device)
