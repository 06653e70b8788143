"""Planner: counts what a pipeline needs, and chooses a plan for the memory that there is now."""

from __future__ import annotations

from align.contracts.image_sizes import Size
from align.device import Compute
from align.families.family import Pipeline
from align.sampling.memory.device_memory import DeviceMemory
from align.sampling.memory.needs import size_needs, weight_needs
from align.sampling.memory.plan import GIB, MemoryPlan, Offload, SizeNeeds, choose_plan

SLACK = 0.9
"""Share of the room that must do before parts return to the card: room comes and goes."""


class Planner:
    """Chooses plans for one pipeline on a card; each size is counted once."""

    def __init__(self, pipeline: Pipeline, compute: Compute, memory: DeviceMemory) -> None:
        self.memory = memory
        self._pipeline, self._compute = pipeline, compute
        self._weights = weight_needs(pipeline)
        self._needs: dict[Size, SizeNeeds] = {}

    def plan(
        self,
        size: Size,
        guided: bool,
        least: Offload = Offload.NOTHING,
        applied: Offload = Offload.NOTHING,
    ) -> MemoryPlan | None:
        """Return the plan for images of one size; None where there is too little room.

        At least `least` is offloaded, and less than `applied` only where there is room to spare.
        """
        room = self.memory.room()
        if applied > least:
            spared = self._choose(size, guided, int(SLACK * room), least)
            if spared is not None and spared.offload < applied:
                return spared
        return self._choose(size, guided, room, max(least, applied))

    def fits_empty(self, size: Size, guided: bool) -> bool:
        """Return whether images of this size would fit if nobody else used the card."""
        return self._choose(size, guided, self.memory.total(), Offload.NOTHING) is not None

    def free(self) -> str:
        """Return how much of the card is free, for people."""
        free, total = (size / GIB for size in (self.memory.free(), self.memory.total()))
        return f"{free:.1f} of {total:.1f} GB are free"

    def _choose(self, size: Size, guided: bool, room: int, least: Offload) -> MemoryPlan | None:
        if size not in self._needs:
            self._needs[size] = size_needs(self._pipeline, self._compute, size)
        total = self.memory.total()
        most = Offload.DENOISER if self.memory.offloads else Offload.NOTHING
        return choose_plan(self._weights, self._needs[size], guided, room, total, least, most)
