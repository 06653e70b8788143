"""Samples of a run: its fixed prompts, rendered before, during and after training.

They take at most a twentieth of the run's time, and nothing that goes wrong with them ends it.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

from align.client.cpu_lock import CpuLock
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.contracts.run_samples import STAGES, RunSamples, as_samples, image_name, no_samples
from align.errors import AlignError, first_line
from align.files import link, read_json, replacing, write_json
from align.sampling.memory.device_memory import device_memory
from align.sampling.steps import DenoisingStep
from align.training.sample_inputs import render_sample, without_traces
from align.training.state import TrainingState

SHARE = 0.05
"""Of the run's time, for all of its samples together."""
BASE_SHARE = 0.1
"""Of the minutes that a run may take, for the base alone: beyond it a run goes without samples."""

logger = logging.getLogger(__name__)


class StageGivenUp(Exception):
    """A stage takes more time than there is for it, or the run is asked to stop."""


class RunSampler:
    """Renders the samples of one run, in its main process; without prompts it does nothing."""

    def __init__(
        self,
        run: RunFolder,
        state: TrainingState,
        report: Reporter,
        cpu_lock: CpuLock,
        cache: Path,
    ) -> None:
        """`cache` keeps images of the base for later runs."""
        self._run, self._state, self._report = run, state, report
        self._cpu_lock, self._cache = cpu_lock, cache / "samples"
        self._inputs = state.samples if state.accelerator.is_main_process else None
        self._kept = self._known()

    def render_base(self) -> None:
        """Render the base before the first step, unless an earlier process of the run has."""
        limit_s = 60 * self._state.config.max_minutes
        if self._inputs is not None and not self._has(0.0):
            self._run_stage(0.0, 0, BASE_SHARE * limit_s if limit_s else math.inf)

    def after_step(self, step: int, steps: int) -> None:
        """Render the stage that a step completes, if there is time for it."""
        due = [share for share in STAGES if step - 1 < share * steps <= step]
        # The version is rendered at the end in any case.
        if not due or step == steps or not self._has(0.0) or self._has(due[-1]):
            return
        left_s = SHARE * self._state.progress.seconds * steps / step - self._spent_s()
        # Half of what is left belongs to the end, as far as nobody knows what a stage takes.
        cost_s = self._cost_s()
        left_s = left_s - cost_s if cost_s else left_s / 2
        if cost_s <= left_s:
            self._run_stage(due[-1], step, left_s)

    def render_version(self, step: int) -> None:
        """Render the version that the run has made, whose weights are those of `step`."""
        if self._has(0.0) and not self._has(1.0):
            self._run_stage(1.0, step, math.inf)

    def _run_stage(self, share: float, step: int, most_s: float) -> None:
        """Render all prompts and add them to samples.json, or give up and say so in the log."""
        self._report.phase("rendering samples", 1.0)
        began = time.monotonic()
        try:
            with without_traces(self._state.compute, self._state.compiled == "on"):
                fresh = [self._image(share, index, began + most_s) for index in self._indices()]
            self._add(share, step, time.monotonic() - began if any(fresh) else 0.0)
        except StageGivenUp:
            logger.warning("samples at %.0f %% of the run are left out", 100 * share)
        except (AlignError, OSError, RuntimeError, ValueError) as error:
            logger.warning("samples could not be rendered: %s", first_line(error))
        # Outside of `except`, where the traceback would keep the tensors of a failed pass alive.
        if (memory := device_memory(self._state.compute)) is not None:
            memory.release()

    def _image(self, share: float, index: int, until: float) -> bool:
        """Write one image; return False for one of the base that an earlier run rendered."""
        assert self._inputs is not None
        target = self._run.path / image_name(share, index)
        target.parent.mkdir(exist_ok=True)
        if share > 0:
            # After its last step a run pauses no more, and nothing would render its end later.
            self._render(index, target, until, pauses=share < 1)
            return True

        name = self._inputs.key(index, self._state.reference.base)
        known = self._cache / f"{name}.png"
        fresh = not known.is_file()
        if fresh:
            known.parent.mkdir(parents=True, exist_ok=True)
            with self._state.trainable.reference():
                self._render(index, known, until)
        target.unlink(missing_ok=True)
        link(known, target)
        return fresh

    def _render(self, index: int, target: Path, until: float, pauses: bool = True) -> None:
        """Render one image; with `pauses` a request to pause ends that."""
        state = self._state
        assert self._inputs is not None

        def between(_: DenoisingStep) -> None:
            asked = self._run.cancel_requested or (pauses and self._run.pause_requested)
            if asked or time.monotonic() > until:
                raise StageGivenUp
            self._cpu_lock.wait_until_free()

        image = render_sample(state.pipeline, state.compute, self._inputs, index, between)
        with replacing(target) as scratch:
            image.save(scratch, "PNG")

    def _add(self, share: float, step: int, seconds: float) -> None:
        images = [image_name(share, index) for index in self._indices()]
        self._kept["stages"].append(
            {"step": step, "share": share, "images": images, "seconds": seconds}
        )
        write_json(self._run.samples_path, self._kept)

    def _known(self) -> RunSamples:
        """Return what earlier processes of the run rendered of the same prompts."""
        if self._inputs is None:
            return no_samples()
        nothing: RunSamples = {"prompts": self._inputs.prompts, "stages": []}
        try:
            kept = as_samples(read_json(self._run.samples_path) or no_samples())
        except (OSError, ValueError):
            return nothing
        return kept if kept["prompts"] == self._inputs.prompts else nothing

    def _has(self, share: float) -> bool:
        return any(stage["share"] == share for stage in self._kept["stages"])

    def _indices(self) -> range:
        return range(len(self._kept["prompts"]))

    def _spent_s(self) -> float:
        return sum(stage["seconds"] for stage in self._kept["stages"])

    def _cost_s(self) -> float:
        """Return the seconds of a stage; 0 while none was rendered."""
        return max((stage["seconds"] for stage in self._kept["stages"]), default=0.0)
