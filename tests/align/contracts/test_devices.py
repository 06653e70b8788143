"""The line that tells a device, and the way of its facts from one process to the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from align.contracts.devices import GIB, DeviceFacts, in_gb
from align.contracts.rendering import SamplerState, read_message, to_line

CARD = DeviceFacts(
    kind="cuda",
    name="NVIDIA GeForce RTX 4070",
    memory_total=int(11.99 * GIB),
    memory_free=10 * GIB,
    weight_format="bf16",
    number_format="bf16",
    attention="flash",
    torch="2.13.0",
    build="cu130",
    index=0,
    uuid="GPU-5",
    capability="8.9",
)
CPU = replace(
    CARD,
    kind="cpu",
    name="AMD EPYC",
    memory_total=23 * GIB,
    weight_format="fp32",
    build="cpu",
    instructions="AVX512-BF16",
)


def test_a_card_is_told_with_memory_format_and_attention():
    assert CARD.summary() == "NVIDIA GeForce RTX 4070, 12 GB, bf16, flash attention"


def test_a_cpu_is_told_with_its_instructions():
    told = "AMD EPYC (CPU), 23 GB, bf16 products of fp32 weights, AVX512-BF16"
    assert CPU.summary() == told


def test_what_nobody_knows_is_left_out():
    assert replace(CARD, attention="", memory_total=0).summary() == "NVIDIA GeForce RTX 4070, bf16"


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, ""), (-1, ""), (int(7.6 * GIB), "7.6 GB"), (11.99 * GIB, "12 GB"), (24 * GIB, "24 GB")],
)
def test_memory_is_told_as_cards_are_sold(size, told):
    assert in_gb(size) == told


def test_facts_pass_from_one_process_to_the_other():
    state = SamplerState("ready", "emoji is ready.", "cuda", 3, 2, facts=CARD)
    assert read_message(to_line(state)) == state


def test_a_state_of_an_older_sampler_has_none():
    assert read_message('{"state": "ready"}') == SamplerState("ready")
