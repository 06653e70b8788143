"""Rendering time of a full-size image, expected from a device's figures until one was rendered."""

from __future__ import annotations

from align.client.planning.costs import WITHOUT_GRADIENTS
from align.client.planning.speeds import PlanDevice, expected_forward_s
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings, SamplerState

DECODING = 1.5
"""Forward passes of the UNet that decoding an image is like: 10.5 TFLOP at 1024², against 6.8
(counted by torch's own counter on the meta device)."""


def expected_image_s(
    model: ModelInfo, settings: RenderSettings, state: SamplerState, cores: int
) -> float | None:
    """Return the seconds that an image should take; None where nobody can tell."""
    # A small model has rendered its first image before anybody reads what was expected.
    if not model.full_size or state.facts is None:
        return None
    facts = state.facts
    device = PlanDevice(facts.kind, facts.name, facts.memory_total, cores)
    side = round((settings.width * settings.height) ** 0.5)
    # Guidance asks the UNet twice, with the prompt and without it.
    passes = settings.steps * (2 if settings.guidance > 1 else 1)
    return (passes + DECODING) * WITHOUT_GRADIENTS * expected_forward_s(device, side)
