"""Makes the image model's process for each model of a studio, and tells where it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from align.client.sampler import SamplerProcess
from align.contracts.models import ModelInfo
from align.contracts.rendering import SamplerState


class SamplerMaker:
    """Makes samplers of one studio, which are shown the same devices."""

    def __init__(
        self, home: Path, environment: Mapping[str, str], write: Callable[[str], None] = print
    ) -> None:
        """Make samplers for the studio in `home`; `write` takes the line on their device."""
        self._home, self._environment = home, environment
        self._line = SamplerLine(write)

    def make(self, model: ModelInfo, on_ready: Callable[[], None]) -> SamplerProcess:
        """Return a sampler for a model, which is not started and calls `on_ready` when it is."""

        def ready() -> None:
            on_ready()
            self._line.tell(model.name, sampler.state())

        sampler = SamplerProcess(
            model,
            self._home / "images",
            self._home / "sampler.log",
            # The name of releases before: their trainers may still run and wait on this file.
            cpu_lock=self._home / "turns.lock",
            on_ready=ready,
            environment=self._environment,
        )
        return sampler


class SamplerLine:
    """Writes the device once the image model is ready, and again where it is another one."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._guard = threading.Lock()
        self._told = ""

    def tell(self, model: str, state: SamplerState) -> None:
        """Write the line, unless it is the last one again: an image model may start again."""
        if state.facts is None:
            return
        line = f"{model} runs on {state.facts.summary()}."
        with self._guard:
            if line == self._told:
                return
            self._told = line
        self._write(line)
