"""Units of a network: parts that fit on a card by themselves, and are brought there in turn."""

from __future__ import annotations

from collections.abc import Iterable

import torch

UNIT_BYTES = 128 * 2**20
"""Most that a unit weighs: a transformer block of SDXL's inner layers takes 67 MiB in half
precision, its largest block of convolutions 93."""
UNCALLED = (torch.nn.ModuleList, torch.nn.ModuleDict)
"""Containers whose members are called one by one, and they themselves never."""


def streamed_units(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the largest parts of a network that are called as a whole and weigh little enough.

    Single layers are no units: an adapter wraps them, and would lie outside.
    """
    found = []
    for child in network.children():
        if not any(True for _ in child.children()):
            continue
        if not isinstance(child, UNCALLED) and weight_bytes(child) <= UNIT_BYTES:
            found.append(child)
        else:
            found.extend(streamed_units(child))
    return found


def weight_bytes(network: torch.nn.Module) -> int:
    """Return the bytes of a network's parameters and buffers."""
    return sum(map(_bytes, network.parameters())) + sum(map(_bytes, network.buffers()))


def outside(network: torch.nn.Module, units: Iterable[torch.nn.Module]) -> list[torch.nn.Module]:
    """Return the modules of a network that lie in none of its units."""
    within = {id(module) for unit in units for module in unit.modules()}
    return [module for module in network.modules() if id(module) not in within]


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
