"""Steps of a rendering: what is known after each of them, for whoever counts, shows or ends it.

Shapes: B images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from torch import Tensor

from align.contracts.rendering import RenderItem


@dataclass(frozen=True)
class DenoisingStep:
    """A step that was just made, of images that are rendered together."""

    items: Sequence[RenderItem]
    number: int
    """1 after the first one."""
    count: int
    latents_BCHW: Tensor
    """The images as they would be without their noise, as far as the solver tells."""


OnStep = Callable[[DenoisingStep], None]


def ignore_step(step: DenoisingStep) -> None:
    """Do nothing after a step."""


class CleanLatents:
    """The latents that a scheduler's newest step takes for the image without noise.

    Its method `step` is wrapped, so that what it computes anyway need not be worked out again.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler, self._step = scheduler, scheduler.step
        self._newest: Tensor | None = None

        # With its own signature, by which pipelines tell whether it takes generators.
        @wraps(scheduler.step)
        def watched(*given: Any, **named: Any) -> tuple[Tensor]:
            return self._watched(*given, **named)

        scheduler.step = watched

    def of(self, latents_BCHW: Tensor) -> Tensor:
        """Return clean latents after a step, else the noisy ones, no larger than an image's."""
        if self._newest is not None and self._newest.shape == latents_BCHW.shape:
            return self._newest
        # Solvers by noise level scale noise up to many times the size of an image.
        sizes_B = latents_BCHW.flatten(1).float().std(dim=1).clamp(min=1.0)
        return latents_BCHW / sizes_B.view(-1, 1, 1, 1).to(latents_BCHW)

    def _watched(self, *given: Any, **named: Any) -> tuple[Tensor]:
        made = self._step(*given, **{**named, "return_dict": True})
        self._newest = getattr(made, "pred_original_sample", None)
        if self._newest is None:
            self._newest = self._converted()
        return (made.prev_sample,)

    def _converted(self) -> Tensor | None:
        """Return what solvers of several steps keep as the clean latents of the newest one."""
        config, kept = self._scheduler.config, getattr(self._scheduler, "model_outputs", None)
        solver = str(config.get("algorithm_type", ""))
        clean = config.get("predict_x0") is True or solver.endswith("++")
        return kept[-1] if clean and kept else None
