"""The device of this process, as plans know it."""

from __future__ import annotations

from align.client.planning.speeds import PlanDevice
from align.client.trainer import usable_cores
from align.device import Compute, choose_compute
from align.device_facts import device_facts


def this_device(precision: str = "auto") -> PlanDevice:
    """Return the device that a run with this setting trains on."""
    return plan_device(choose_compute(precision))


def plan_device(compute: Compute) -> PlanDevice:
    """Return a device that torch computes on as plans know it."""
    facts = device_facts(compute)
    return PlanDevice(facts.kind, facts.name, facts.memory_total, usable_cores())
