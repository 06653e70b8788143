"""The device that a model renders on, remembered while the sampler stops for a run."""

from align.contracts.rendering import SamplerState
from annotate.interfaces import Sampler


class KnownDevice:
    """The last state of a sampler that named its device."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._last: SamplerState | None = None

    def sampler(self) -> SamplerState | None:
        """Return that state; None until the model was loaded for the first time."""
        now = self._sampler.state()
        # One that starts or has stopped says nothing of the device.
        if now.memory_total:
            self._last = now
        return self._last
