"""What is known of a run's model and device before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from align.client.devices.chosen_devices import TrainingDevices
from align.client.planning.costs import Rendering
from align.client.planning.speeds import PlanDevice
from align.contracts.image_sizes import SDXL_SIDE
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings, SamplerState
from align.contracts.run_files import MeasuredPace

FULL_RENDERING = Rendering((SDXL_SIDE, SDXL_SIDE), steps=30, guided=True)
UNKNOWN_DEVICE = PlanDevice()


@dataclass(frozen=True)
class Circumstances:
    """The device, the model's way to render, and the speed of earlier runs."""

    device: PlanDevice = UNKNOWN_DEVICE
    rendering: Rendering = FULL_RENDERING
    pairs_per_s: float | None = None
    """Speed of the newest run of a small model."""
    paces: Sequence[MeasuredPace] = ()
    """Of earlier runs of this model, the newest first."""


NOTHING_KNOWN = Circumstances()


def device_of(sampler: SamplerState | None, cores: int) -> PlanDevice:
    """Return the sampler's device, which is the trainer's; `cores` are those of the processor.

    Before the model is loaded nobody knows it.
    """
    if sampler is None or not sampler.memory_total:
        return UNKNOWN_DEVICE
    name = sampler.facts.name if sampler.facts else ""
    return PlanDevice(sampler.device, name, sampler.memory_total, cores)


def card_of_runs(devices: TrainingDevices) -> PlanDevice:
    """Return the card that runs have to themselves, as its driver tells it before they start."""
    if not devices.memory:
        return UNKNOWN_DEVICE
    return PlanDevice("cuda", devices.name, devices.memory)


def rendering_of(model: ModelInfo, look: RenderSettings | None = None) -> Rendering:
    """Return how release checks render: by the look of a run, or the model's own settings."""
    shown = look or model
    return Rendering((shown.width, shown.height), shown.steps, shown.guidance > 1)
