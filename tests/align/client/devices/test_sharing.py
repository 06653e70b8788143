"""Whether a run fits beside the image model in main memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from align.client.devices.sharing import GIB, takes_turns
from align.client.models import describe_model
from align.contracts.devices import DeviceFacts
from align.contracts.rendering import SamplerState

SMALL = describe_model()
LARGE = replace(SMALL, preset="sdxl")


def on_cpu(weights: str) -> SamplerState:
    """A sampler on a CPU that holds weights in a format."""
    facts = DeviceFacts("cpu", "Any", 32 * GIB, 8 * GIB, weights, "bf16", "", "2.13.0", "cpu")
    return SamplerState("ready", device="cpu", memory_total=32 * GIB, facts=facts)


@pytest.mark.parametrize(
    ("weights", "model", "available", "turns"),
    [
        ("bf16", LARGE, 10, False),
        ("bf16", LARGE, 9, True),
        ("fp32", LARGE, 18, False),
        ("fp32", LARGE, 17, True),
        ("fp32", SMALL, 1, False),
    ],
)
def test_on_a_cpu_a_full_size_run_needs_room_in_main_memory(weights, model, available, turns):
    assert takes_turns(on_cpu(weights), model, 20 * GIB, available * GIB) == turns


def test_a_cpu_of_which_nothing_is_known_is_taken_to_compute_in_fp32():
    sampler = SamplerState("ready", device="cpu", memory_total=32 * GIB)
    assert takes_turns(sampler, LARGE, 20 * GIB, 17 * GIB)


def test_on_a_card_main_memory_says_nothing():
    sampler = SamplerState("ready", device="cuda", memory_total=24 * GIB, memory_used=8 * GIB)
    assert not takes_turns(sampler, LARGE, 16 * GIB, 0)
    assert takes_turns(sampler, LARGE, 17 * GIB, 64 * GIB)
    assert not takes_turns(sampler, LARGE, 17 * GIB, 0, apart=True)
