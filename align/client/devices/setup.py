"""Devices at the start of an app: what its processes are shown, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from align.client.devices.chosen_devices import (
    CPU,
    ChosenDevices,
    TrainingDevices,
    choose_devices,
)
from align.client.devices.installation import installation_notices
from align.client.devices.system import SystemFacts, named_cards, system_facts


@dataclass(frozen=True, slots=True)
class DeviceSetup:
    """Devices of an app's processes."""

    sampler: dict[str, str]
    """Variables that show the image model its own alone."""
    trainer: TrainingDevices
    notices: list[str]
    """What does not fit of torch, drivers and cards, a sentence each."""


def set_up_devices(named: str | None) -> DeviceSetup:
    """Read --devices beside what is there; raises InvalidDevices."""
    facts = system_facts()
    chosen = choose_devices(named, named_cards(facts), facts.system == "darwin")
    build = facts.torch.build if facts.torch is not None else CPU
    notices = installation_notices(used_by(chosen, facts))
    return DeviceSetup(chosen.of_sampler(build), trainer_devices(chosen, build, facts), notices)


def trainer_devices(chosen: ChosenDevices, build: str, facts: SystemFacts) -> TrainingDevices:
    """Return the devices of runs, with what the driver tells of a card of their own.

    Of several cards it is the one with the least memory: every process has to fit.
    """
    devices = chosen.of_trainer(build)
    own = [card for card in facts.nvidia if str(card.index) in chosen.trainer]
    if not devices.apart or not own:
        return devices
    smallest = min(own, key=lambda card: card.memory_total)
    return replace(devices, name=smallest.name, memory=smallest.memory_total)


def used_by(chosen: ChosenDevices, facts: SystemFacts) -> SystemFacts:
    """Return the facts without cards that are not used, about which nothing needs saying."""
    named = {*chosen.sampler, *chosen.trainer}
    if not named:
        return facts
    if CPU in named:
        return replace(facts, nvidia=(), has_nvidia_smi=False, amd=(), intel=0, wsl=False)
    # Parts of a card are named by UUIDs of their own, and which card's they are, nobody tells.
    if not facts.nvidia or any(name.startswith("MIG-") for name in named):
        return facts
    return replace(facts, nvidia=tuple(c for c in facts.nvidia if str(c.index) in named))
