"""The device of a model, while its sampler comes and goes."""

from __future__ import annotations

from align.contracts.rendering import SamplerState
from annotate.training.planning.known_device import KnownDevice

READY = SamplerState("ready", device="cuda", memory_total=12 << 30)


class Card:
    """A device whose sampler says what it is set to."""

    def __init__(self) -> None:
        self.now = SamplerState("starting")

    def state(self) -> SamplerState:
        return self.now


def test_a_device_stays_known_while_its_sampler_makes_room_for_a_run():
    card = Card()
    known = KnownDevice(card)
    assert known.sampler() is None
    card.now = READY
    assert known.sampler() == READY
    card.now = SamplerState("stopped")
    assert known.sampler() == READY
