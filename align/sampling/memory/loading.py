"""Loading a pipeline into the memory that there is: planned before anything is on the device."""

from __future__ import annotations

import os
from functools import partial

from align.client.devices.memory_holders import memory_holders
from align.contracts.devices import holders_sentence
from align.contracts.models import ModelInfo
from align.device import Compute
from align.device_facts import card_uuid, visible_index
from align.families.family import Pipeline
from align.sampling.memory.device_memory import DeviceMemory, device_memory
from align.sampling.memory.ladder import Holders, MemoryLadder, OnRung, tell_nobody
from align.weights.pipeline import load_pipeline


def load_ladder(
    model: ModelInfo,
    compute: Compute,
    *,
    memory: DeviceMemory | None = None,
    on_rung: OnRung = tell_nobody,
    holders: Holders | None = None,
) -> MemoryLadder:
    """Load the pipeline of a model, as much of it on its device as there is room for.

    Args:
        memory: the device's own; left out, that of `compute`, if it has one.
        on_rung, holders: as `MemoryLadder` has them; who holds a card is known where left out.

    Raises:
        ModelError: as `align.weights.pipeline.load_pipeline`; too little room is ModelUnavailable.
    """
    ladders: list[MemoryLadder] = []
    own = memory or device_memory(compute)
    known = holders or partial(who_holds, compute)

    def place(pipeline: Pipeline) -> None:
        ladder = MemoryLadder(pipeline, compute, own, on_rung, known)
        ladder.place(model.name, (model.width, model.height), model.guidance > 1)
        ladders.append(ladder)

    load_pipeline(model, compute, place=place)
    return ladders[0]


def who_holds(compute: Compute) -> str:
    """Return who else holds memory of a card, in a sentence; empty where nobody tells."""
    if compute.device.type != "cuda":
        return ""
    card = card_uuid() or str(visible_index(os.environ))
    return holders_sentence(memory_holders(card))
