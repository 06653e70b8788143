"""Heartbeats of the sampler: its phase and step count every few seconds, for the watchdog."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from align.client.catalog.hub_cache import cached_bytes
from align.client.watchdog import IDLE, LOADING
from align.contracts.rendering import HeartbeatMessage, SamplerWork


class HeartbeatSender:
    """Counts steps, and sends the count from a thread of its own until the process ends."""

    def __init__(
        self, send: Callable[[HeartbeatMessage], None], interval_s: float, model: str
    ) -> None:
        self._send, self._interval_s, self._model = send, interval_s, model
        # Counted by `next` of an iterator, which is atomic: several threads make steps.
        self._phase, self._counter = LOADING, itertools.count(1)
        self._steps = 0
        self._from_hub = not Path(model).exists()
        threading.Thread(target=self._send_heartbeats, name="heartbeat", daemon=True).start()

    def step(self) -> None:
        """Count a step; may be called from any thread."""
        self._steps = next(self._counter)

    def enter(self, phase: str) -> None:
        """Enter a phase: LOADING, RENDERING or IDLE."""
        self._phase = phase

    def set_idle(self) -> None:
        """Enter IDLE, in which no steps are expected."""
        self._phase = IDLE

    def _send_heartbeats(self) -> None:
        stop = threading.Event()
        while not stop.wait(self._interval_s):
            downloaded = self._downloaded() if self._from_hub and self._phase == LOADING else 0
            heartbeat: SamplerWork = {"phase": self._phase, "work": self._steps + downloaded}
            try:
                self._send({"heartbeat": heartbeat, "downloaded": downloaded})
            except (OSError, ValueError):
                # The app is gone; the main thread ends the process.
                return

    def _downloaded(self) -> int:
        """Return the bytes of the model that the cache holds, an earlier download's included."""
        constants = sys.modules.get("huggingface_hub.constants")
        # Nothing can be downloaded before the library is imported.
        return cached_bytes(Path(constants.HF_HUB_CACHE), self._model) if constants else 0
