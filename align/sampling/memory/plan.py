"""Memory plan of rendering: how much at once, and what waits off the card; no torch here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from align.contracts.image_sizes import Size

GIB = 2**30
USABLE_FRACTION = 0.9
"""Share of the memory that is planned with: shapes show neither fragmentation nor workspaces."""
ALLOWANCE = 256 * 2**20
"""For the workspaces of kernels: an allowance, not measured."""
TILED_BELOW = int(11.5 * GIB)
"""Cards that are sold with 12 GB hold more than that."""
UNBOUNDED = 2**62


SMALLEST = 1
"""Pixels of a limit that leaves one image, or one row, at a time."""


@dataclass(frozen=True)
class WeightNeeds:
    """Bytes of a pipeline's weights."""

    denoiser: int
    autoencoder: int
    text_encoders: tuple[int, ...]
    unit: int
    """The largest unit that is brought to the card by itself."""
    unstreamed: int
    """What of the denoiser lies in no unit, and stays on the card."""
    unstreamed_encoders: int = 0
    """The same of the text encoders."""

    @property
    def everything(self) -> int:
        """Sum of all parts."""
        return self.denoiser + self.autoencoder + sum(self.text_encoders)


@dataclass(frozen=True)
class SizeNeeds:
    """Bytes that images of one size need besides the weights."""

    size: Size
    row: int
    """A row of a pass through the denoiser; an image has one, or two with guidance."""
    decode: int
    """Decoding one image."""
    tiled_decode: int
    """Decoding one image tile by tile."""


class Offload(IntEnum):
    """Parts that are off the card, the faster choices first."""

    NOTHING = 0
    ENCODERS = 1
    """The autoencoder visits the card when it works, text encoders unit by unit."""
    DENOISER = 2
    """And so does the denoiser, in every pass."""


class Stage(IntEnum):
    """Work in which memory may run out."""

    DENOISING = 0
    DECODING = 1
    OTHER = 2
    """Scoring, classifying and loading adapters, which do some of everything."""


@dataclass(frozen=True)
class MemoryPlan:
    """How images are rendered in the memory that there is.

    Limits are in pixels, so that they hold for images of every size.
    """

    pass_pixels: int = UNBOUNDED
    """Pixels of all rows of one pass through the denoiser."""
    decode_pixels: int = UNBOUNDED
    """Pixels of the images that are decoded at once."""
    tiled: bool = False
    """Images are decoded tile by tile."""
    offload: Offload = Offload.NOTHING

    def rows(self, size: Size) -> int:
        """Return the most rows of one pass, at least one."""
        return max(1, self.pass_pixels // (size[0] * size[1]))

    def images(self, size: Size, guided: bool) -> int:
        """Return the most images of one batch, at least one; with guidance each has two rows."""
        return max(1, self.rows(size) // rows_of_image(guided))

    def decoded(self, size: Size) -> int:
        """Return the most images that are decoded at once, at least one."""
        return max(1, self.decode_pixels // (size[0] * size[1]))

    @classmethod
    def last(cls, offloads: bool) -> MemoryPlan:
        """Return the plan that needs the least memory."""
        return cls(SMALLEST, SMALLEST, True, Offload.DENOISER if offloads else Offload.NOTHING)

    def stricter(self, other: MemoryPlan) -> MemoryPlan:
        """Return the plan that keeps to both."""
        return MemoryPlan(
            min(self.pass_pixels, other.pass_pixels),
            min(self.decode_pixels, other.decode_pixels),
            self.tiled or other.tiled,
            max(self.offload, other.offload),
        )


def rows_of_image(guided: bool) -> int:
    """Return the rows of a pass that an image takes."""
    return 2 if guided else 1


def choose_plan(
    weights: WeightNeeds,
    needs: SizeNeeds,
    guided: bool,
    room: int,
    total: int,
    least: Offload = Offload.NOTHING,
    most: Offload = Offload.DENOISER,
) -> MemoryPlan | None:
    """Return the fastest plan that renders images of one size in `room` bytes; None for none.

    Args:
        room: what this process may use, its own weights included.
        total: the card's memory.
        least: what is off the card in any case.
        most: what may be off it; where main memory is the card's own, nothing.
    """
    usable = int(USABLE_FRACTION * room) - ALLOWANCE
    for offload in Offload:
        if not least <= offload <= most:
            continue
        plan = _fitted(weights, needs, guided, usable, offload, total < TILED_BELOW)
        if plan is not None:
            return plan
    return None


def _fitted(
    weights: WeightNeeds,
    needs: SizeNeeds,
    guided: bool,
    usable: int,
    offload: Offload,
    tiled: bool,
) -> MemoryPlan | None:
    """Return the plan with this much offloaded, None where it does not fit."""
    width, height = needs.size
    while_denoising, while_decoding = _resident(weights, offload)
    rows = (usable - while_denoising) // needs.row
    room = usable - while_decoding
    tiled = needs.decode > room or (tiled and needs.tiled_decode < needs.decode)
    decoded = room // (needs.tiled_decode if tiled else needs.decode)
    if rows < rows_of_image(guided) or decoded < 1:
        return None
    return MemoryPlan(rows * width * height, decoded * width * height, tiled, offload)


def _resident(weights: WeightNeeds, offload: Offload) -> tuple[int, int]:
    """Return the bytes of weights on the card while images are denoised, and decoded."""
    if offload is Offload.NOTHING:
        return weights.everything, weights.everything
    # A unit of the text encoders visits before any image is denoised, and then is gone.
    left = weights.unstreamed_encoders
    left += weights.denoiser if offload is Offload.ENCODERS else weights.unstreamed
    return left + weights.unit, left + weights.autoencoder


def next_rung(
    plan: MemoryPlan, stage: Stage, tried: int, item_pixels: int, offloads: bool
) -> MemoryPlan | None:
    """Return the limit to keep to after memory ran out; None where nothing is left to try.

    Halves what is done at once, then decodes in tiles, then takes encoders and autoencoder off the
    card, then the denoiser.

    Args:
        tried: images, or rows of a pass, that were too much at once.
        item_pixels: pixels of each of them, of all its rows.
        offloads: whether what is off the card frees room on it.
    """
    if tried > 1:
        pixels = tried // 2 * item_pixels
        decoding = stage is Stage.DECODING
        return MemoryPlan(decode_pixels=pixels) if decoding else MemoryPlan(pass_pixels=pixels)
    # A pass through the denoiser decodes nothing.
    if stage is not Stage.DENOISING and not plan.tiled:
        return MemoryPlan(tiled=True)
    if offloads and plan.offload < Offload.DENOISER:
        return MemoryPlan(offload=Offload(plan.offload + 1))
    return None


def explain(plan: MemoryPlan, size: Size, guided: bool) -> str:
    """Return what a plan does for want of memory, in a sentence; empty where it is unbounded."""
    doings = []
    if plan.pass_pixels < UNBOUNDED:
        images = plan.images(size, guided)
        doings.append(f"renders {images} image{'s' * (images > 1)} at a time")
    if plan.tiled:
        doings.append("decodes them in tiles")
    if plan.offload is Offload.ENCODERS:
        doings.append("keeps text encoders and autoencoder in main memory while they rest")
    if plan.offload is Offload.DENOISER:
        doings.append("brings the network to the card part by part, which takes longer")
    if not doings:
        return ""
    listed = doings[0] if len(doings) == 1 else f"{', '.join(doings[:-1])} and {doings[-1]}"
    return f"For want of memory it {listed}."
