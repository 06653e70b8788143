"""The sampler's side of being watched: a heartbeat every few seconds that says how far it is."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from align.client.watchdog import IDLE, LOADING


class HeartbeatSender:
    """Counts steps, and says the count from a thread of its own until the process ends."""

    def __init__(self, say: Callable[[dict[str, Any]], None], every_s: float, model: str) -> None:
        self._say, self._every_s, self._model = say, every_s, model
        self._phase, self._steps = LOADING, itertools.count(1)
        self._made = 0
        self._from_hub = not Path(model).exists()
        self._had: int | None = None
        threading.Thread(target=self._send_heartbeats, name="heartbeat", daemon=True).start()

    def step(self) -> None:
        """Count a step of whatever is done now; called from several threads."""
        self._made = next(self._steps)

    def enter(self, phase: str) -> None:
        """Be in a phase from now on."""
        self._phase = phase

    def rest(self) -> None:
        """Wait for something to do."""
        self._phase = IDLE

    def _send_heartbeats(self) -> None:
        stop = threading.Event()
        while not stop.wait(self._every_s):
            came = self._downloaded() if self._from_hub and self._phase == LOADING else 0
            heartbeat = {"phase": self._phase, "work": self._made + came}
            try:
                self._say({"heartbeat": heartbeat, "downloaded": came})
            except (OSError, ValueError):
                # Nobody listens any more.
                return

    def _downloaded(self) -> int:
        """Bytes that came since this process looked first."""
        constants = sys.modules.get("huggingface_hub.constants")
        if constants is None:
            # Nothing can be downloaded before the library is imported.
            return 0
        total = cached(Path(constants.HF_HUB_CACHE), self._model)
        self._had = total if self._had is None else self._had
        return max(0, total - self._had)


def cached(cache: Path, model: str) -> int:
    """Return how many bytes of a hub's model are in the cache, those still coming included."""
    folder = cache / f"models--{model.replace('/', '--')}" / "blobs"
    total = 0
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                total += file.stat().st_size
    return total
