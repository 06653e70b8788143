"""Progress of a request: which image is at which step, with a small preview about once a second.

Only where an image takes seconds, so that quick models lose no time to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from align.contracts.rendering import RenderRequest, SamplerRequest
from align.contracts.step_progress import StepProgress
from align.sampling.latent_preview import LatentPreview
from align.sampling.steps import DenoisingStep, OnStep, ignore_step

log = logging.getLogger(__name__)
SLOW_IMAGE_S = 3.0
"""An image that takes less needs no progress: it is there before anybody has read it."""
INTERVAL_S = 1.0
MAX_PREVIEWS = 4
"""Previews of a message; more would not fit into a waiting card."""
Clock = Callable[[], float]


class Previewer:
    """The map from latents to RGB of a process, made when the first preview is asked for."""

    def __init__(self, make: Callable[[], LatentPreview]) -> None:
        self._make = make
        self._map: LatentPreview | None = None
        self._broken = False

    def urls(self, step: DenoisingStep) -> list[str]:
        """Return previews of the first images of a step; none where they cannot be made."""
        if self._broken:
            return []
        try:
            self._map = self._map or self._make()
            return self._map.urls(step.latents_BCHW[:MAX_PREVIEWS])
        except Exception:
            # A preview is no reason for an image not to be rendered.
            log.exception("no previews can be made of this model's latents")
            self._broken = True
            return []


def report_of(
    request: SamplerRequest,
    previewer: Previewer,
    send: Callable[[StepProgress], None],
    clock: Clock = monotonic,
) -> OnStep:
    """Return what reports the steps of a request; nothing where nobody watches it."""
    if "items" in request and request.get("progress"):
        return ProgressReporter(request, previewer, send, clock).step
    return ignore_step


class ProgressReporter:
    """Reports the steps of one request; called from every thread that renders a part of it."""

    def __init__(
        self,
        request: RenderRequest,
        previewer: Previewer,
        send: Callable[[StepProgress], None],
        clock: Clock,
    ) -> None:
        self._request, self._previewer, self._send, self._clock = request, previewer, send, clock
        self._first: dict[int, float] = {}
        """When the first step of each part ended, by the index of its first image."""
        self._sent_at = clock()
        self._guard = threading.Lock()

    def step(self, step: DenoisingStep) -> None:
        """Report a step if images are slow and a second has passed."""
        # Whoever comes while another thread reports has nothing to add.
        if self._guard.acquire(blocking=False):
            try:
                self._report(step)
            finally:
                self._guard.release()

    def _report(self, step: DenoisingStep) -> None:
        indices = [self._request["items"].index(item) for item in step.items]
        now = self._clock()
        if step.number == 1:
            self._first[indices[0]] = now
            return

        # The first step takes longer than the others, which tell how long an image takes.
        step_s = (now - self._first.get(indices[0], now)) / (step.number - 1)
        slow = step_s * step.count / len(indices) >= SLOW_IMAGE_S
        if not slow or now - self._sent_at < INTERVAL_S:
            return
        self._sent_at = now
        self._send(
            {
                "id": self._request["id"],
                "indices": indices,
                "count": len(self._request["items"]),
                "step": step.number,
                "steps": step.count,
                "seconds_left": round(step_s * (step.count - step.number), 1),
                "previews": self._previewer.urls(step) if self._request.get("previews") else [],
            }
        )
