"""Pace of a run: the seconds of a forward pass over one image, from its optimizer steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from align.client.planning.circumstances import rendering_of
from align.client.planning.costs import RECOMPUTED
from align.client.planning.recent_pace import TimedStep
from align.client.planning.resolution import side_within
from align.client.run_folder import RunFolder
from align.contracts.run_files import MeasuredPace
from align.device_facts import device_facts
from align.training.state import TrainingState


class PaceMeter:
    """Measures the steps of this process; what the first one prepares for all is left out."""

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        config = state.config
        own_pairs = config.train_batch_size / config.num_processes
        self._policy_passes = 2 * (2 + RECOMPUTED[config.gradient_checkpointing]) * own_pairs
        self._first_s = 0.0
        self._seconds, self._passes = 0.0, 0.0
        self.last: TimedStep | None = None
        """The newest step."""
        self.steps = 0
        """Steps that were measured, the first one left out."""

    @contextmanager
    def step(self) -> Iterator[None]:
        """Measure one optimizer step, which is the block's."""
        reference = self._state.reference
        began, known = time.monotonic(), reference.cached - reference.requested
        yield

        seconds = time.monotonic() - began
        fresh = known - (reference.cached - reference.requested)
        passes = self._policy_passes + 2 * fresh
        self.last = TimedStep(seconds, passes)
        if not self._first_s:
            self._first_s = seconds / passes
            return
        self._seconds, self._passes = self._seconds + seconds, self._passes + passes
        self.steps += 1

    @property
    def forward_s(self) -> float:
        """Return the seconds of a forward pass of one image; 0 before the first step."""
        return self._seconds / self._passes if self._passes else self._first_s

    def measured(self, run: RunFolder) -> MeasuredPace:
        """Return the pace for the plans of later runs."""
        prepared, compute = run.read_config(), self._state.compute
        size = rendering_of(prepared.model).size
        return {
            "device": compute.device.type,
            "name": device_facts(compute).name,
            "side": side_within(self._state.config.resolution, size),
            "forward_s": self.forward_s,
        }
