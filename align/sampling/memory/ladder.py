"""Memory ladder: a pipeline that renders in the memory there is, or with less of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

from PIL import Image
from torch import Tensor

from align.contracts.image_sizes import Size
from align.contracts.rendering import RenderItem, RenderSettings
from align.device import Compute
from align.device_memory import is_out_of_memory
from align.errors import DeviceFull, ModelUnavailable, SamplerFailed
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.sampling.memory.device_memory import DeviceMemory
from align.sampling.memory.offloading import Offloading, resident_parts
from align.sampling.memory.plan import MemoryPlan, Stage, explain, next_rung, rows_of_image
from align.sampling.memory.planner import Planner
from align.sampling.render import (
    batches,
    decode,
    decoded_at_once,
    render_latents,
    require_finite,
)
from align.sampling.steps import OnStep, ignore_step

R = TypeVar("R")
OnRung = Callable[[str], None]
Holders = Callable[[], str]
NEVER = (
    "Nor would there be room with nothing else on the device: choose smaller images, or start with "
    "--devices cpu."
)


def tell_nobody(sentence: str) -> None:
    """Tell nobody."""


def nobody_known() -> str:
    """Return no sentence about who holds memory."""
    return ""


@dataclass(frozen=True)
class Work:
    """Work that may be too much for the memory at once."""

    stage: Stage
    size: Size
    guided: bool
    item_pixels: int
    at_once: Callable[[MemoryPlan], int]
    """Returns how many images, or rows of a pass, a plan does at once."""
    what: str
    """What does not fit, where one at a time is too much."""


class MemoryLadder:
    """Renders with a pipeline as its plan says, and goes a rung down where memory runs out.

    A rung holds for all later work, so that nothing runs out at the same place twice. Where the
    device shares main memory, as a CPU does, nothing is planned, and a batch is rendered at once
    until memory runs out.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        compute: Compute,
        memory: DeviceMemory | None = None,
        on_rung: OnRung = tell_nobody,
        holders: Holders = nobody_known,
    ) -> None:
        """
        Args:
            memory: the device's own; None where it shares main memory.
            on_rung: called with a sentence on what is done from here on for want of memory.
            holders: returns a sentence on who holds memory of the device, or nothing.
        """
        self.pipeline, self.compute, self.on_rung = pipeline, compute, on_rung
        self._holders = holders
        self._planner = Planner(pipeline, compute, memory) if memory else None
        self._offloads = memory is not None and memory.offloads
        self._offloading = Offloading(pipeline, compute)
        self._rung, self._tiled = MemoryPlan(), False
        self.explanation = ""
        """What is done for want of memory, in a sentence."""

    def place(self, name: str, size: Size, guided: bool) -> None:
        """Move the pipeline to its device, as much of it as the plan for this size has there.

        Raises:
            ModelUnavailable: there is too little room, or it ran out all the same.
        """
        family, planner = family_of(self.pipeline), self._planner
        if planner is None:
            family.to_device(self.pipeline, self.compute)
            return

        what = f"{name} does not fit into the memory of the card"
        work = Work(Stage.DENOISING, size, guided, 1, lambda plan: 1, what)
        # Where main memory is the device's own, the system finds room at a price.
        if planner.memory.offloads and planner.plan(size, guided) is None:
            raise ModelUnavailable(str(self._failure(work)))

        def move(plan: MemoryPlan) -> None:
            family.to_device(self.pipeline, self.compute, resident_parts(family, plan.offload))

        try:
            self._do(work, move)
        except SamplerFailed as error:
            raise ModelUnavailable(str(error)) from None
        self._explain(self._plan(size, guided), size, guided)

    def batches(
        self, count: int, settings: RenderSettings, prefer_throughput: bool = False
    ) -> Iterator[range]:
        """Yield index ranges in growing batches, none larger than the plan has it."""
        size, guided = _shape(settings)
        most = self._plan(size, guided).images(size, guided)
        return batches(count, size[0] * size[1] / 1e6, prefer_throughput, most)

    def render(
        self,
        items: Sequence[RenderItem],
        settings: RenderSettings,
        between: OnStep = ignore_step,
        prefer_throughput: bool = False,
        hold: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> Iterator[tuple[range, list[Image.Image]]]:
        """Yield images in parts as they come, in order, with the indices of their items.

        `between` is called after every denoising step; work is done inside of `hold`.

        Raises:
            SamplerFailed: an image came out as no numbers, or is too large for this device.
            DeviceFull: an image does not fit into the memory that is free now.
        """
        for indices in self.batches(len(items), settings, prefer_throughput):
            done = indices.start
            while done < indices.stop:
                wanted = items[done : indices.stop]
                with hold():
                    latents_BCHW = self.denoise(wanted, settings, between)
                    require_finite(latents_BCHW, wanted)
                    images = self.decode(latents_BCHW, settings)
                yield range(done, done + len(images)), images
                done += len(images)

    def denoise(
        self,
        items: Sequence[RenderItem],
        settings: RenderSettings,
        between: OnStep = ignore_step,
    ) -> Tensor:
        """Return latents of the first items, of as many as fit at once; see `render`."""
        size, guided = _shape(settings)

        def at_once(plan: MemoryPlan) -> int:
            return min(len(items), plan.images(size, guided))

        def work(plan: MemoryPlan) -> Tensor:
            wanted = items[: at_once(plan)]
            return render_latents(self.pipeline, self.compute, wanted, settings, between)

        pixels = size[0] * size[1] * rows_of_image(guided)
        what = f"One image of {size[0]} x {size[1]} does not fit into the memory of the device"
        return self._do(Work(Stage.DENOISING, size, guided, pixels, at_once, what), work)

    def decode(self, latents_BCHW: Tensor, settings: RenderSettings) -> list[Image.Image]:
        """Decode scaled latents to images; see `render`."""
        size, guided = _shape(settings)
        most = decoded_at_once(self.compute, len(latents_BCHW))

        def at_once(plan: MemoryPlan) -> int:
            return min(most, plan.decoded(size))

        def work(plan: MemoryPlan) -> list[Image.Image]:
            return decode(self.pipeline, self.compute, latents_BCHW, at_once(plan))

        what = f"Decoding one image of {size[0]} x {size[1]} takes more memory than is free"
        pixels = size[0] * size[1]
        return self._do(Work(Stage.DECODING, size, guided, pixels, at_once, what), work)

    def load_adapters(self, load: Callable[[], None], settings: RenderSettings) -> None:
        """Load adapters, which lie where their layers do; see `render`."""
        size, guided = _shape(settings)
        what = "The version does not fit into the memory of the device"
        work = Work(Stage.OTHER, size, guided, 1, lambda plan: 1, what)
        self._do(work, lambda plan: load())

    def attempt(self, work: Callable[[int], R], size: Size, rows: int, what: str) -> R:
        """Return the result of other work, which is called with the rows of a pass, at most `rows`.

        Raises:
            DeviceFull, SamplerFailed: one row does not fit; `what` says what that is for.
        """

        def at_once(plan: MemoryPlan) -> int:
            return min(rows, plan.rows(size))

        pixels = size[0] * size[1]
        return self._do(
            Work(Stage.OTHER, size, False, pixels, at_once, what), lambda plan: work(at_once(plan))
        )

    def _do(self, work: Work, call: Callable[[MemoryPlan], R]) -> R:
        """Return the result of a call with the plan for its size, further down if need be."""
        while True:
            plan = self._plan(work.size, work.guided)
            try:
                self._apply(plan)
                return call(plan)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            # Outside of `except`: there the traceback would keep the failed work's tensors alive.
            self._go_down(work, plan)

    def _go_down(self, work: Work, plan: MemoryPlan) -> None:
        if self._planner is not None:
            self._planner.memory.release()
        tried = work.at_once(plan)
        rung = next_rung(plan, work.stage, tried, work.item_pixels, self._offloads)
        if rung is None:
            raise self._failure(work)
        self._rung = self._rung.stricter(rung)
        before = self.explanation
        self._explain(plan.stricter(rung), work.size, work.guided)
        if self.explanation != before:
            self.on_rung(self.explanation)

    def _explain(self, plan: MemoryPlan, size: Size, guided: bool) -> None:
        # How many at once is worth a word only where memory ran out.
        bounded = replace(plan, pass_pixels=self._rung.pass_pixels)
        self.explanation = explain(bounded, size, guided)

    def _failure(self, work: Work) -> SamplerFailed:
        """Return the error of work that does not fit, with nothing left to do less of."""
        planner = self._planner
        if planner is not None and not planner.fits_empty(work.size, work.guided):
            return SamplerFailed(f"{work.what}. {NEVER}")
        return DeviceFull(self._sentence(work.what))

    def _sentence(self, what: str) -> str:
        """Return what does not fit, how much is free, who holds the rest and what to do."""
        free = f" ({self._planner.free()})" if self._planner else ""
        advice = "Close other programs that use it, or choose smaller images; it is tried again."
        return " ".join(filter(None, [f"{what}{free}.", self._holders(), advice]))

    def _plan(self, size: Size, guided: bool) -> MemoryPlan:
        """Return the plan for images of one size, as strict as all that was learned so far."""
        if self._planner is None:
            return self._rung
        planned = self._planner.plan(size, guided, self._rung.offload, self._offloading.applied)
        return self._rung.stricter(planned or MemoryPlan.last(self._offloads))

    def _apply(self, plan: MemoryPlan) -> None:
        """Do to the pipeline what a plan says."""
        self._offloading.apply(plan.offload)
        if plan.tiled != self._tiled:
            self._tiled = plan.tiled
            family_of(self.pipeline).tile_autoencoder(self.pipeline, plan.tiled)


def _shape(settings: RenderSettings) -> tuple[Size, bool]:
    """Return the size of images, and whether guidance doubles their rows."""
    return (settings.width, settings.height), settings.guidance > 1
