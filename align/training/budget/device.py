"""The device of this process, as plans know it."""

from __future__ import annotations

import torch

from align.client.planning.speeds import PlanDevice
from align.client.trainer import usable_cores
from align.device import Compute, choose_compute, memory


def this_device(precision: str = "auto") -> PlanDevice:
    """Return the device that a run with this setting trains on."""
    return plan_device(choose_compute(precision))


def plan_device(compute: Compute) -> PlanDevice:
    """Return a device that torch computes on as plans know it."""
    kind = compute.device.type
    name = torch.cuda.get_device_name(compute.device) if kind == "cuda" else ""
    return PlanDevice(kind, name, memory(compute)[0], usable_cores())
