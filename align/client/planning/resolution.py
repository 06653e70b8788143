"""The pixels that a run trains at, by the device's memory."""

from __future__ import annotations

import math

from align.contracts.image_sizes import Size

SMALL_MEMORY = 15_000_000_000
"""Devices with fewer bytes have less than 16 GB; those that are sold with so much show 15.6 to 17.2
thousand million of them, by how they count and what they keep for error correction."""
SMALL_SIDE = 768


def own_side(size: Size) -> int:
    """Return the side of the smallest square that holds as many pixels as a model is made for."""
    return math.ceil(math.sqrt(size[0] * size[1]))


def side_within(resolution: int, size: Size) -> int:
    """Return the side that a run trains at by its setting, where 0 is the model's own."""
    own = own_side(size)
    return min(resolution or own, own)


def side_on(memory: int, size: Size) -> int:
    """Return the side to train at on a device with this memory, where no setting says it.

    `memory` is in bytes, 0 where nobody knows; `size` is what the model is made for.
    """
    side = own_side(size)
    return min(side, SMALL_SIDE) if 0 < memory < SMALL_MEMORY else side
