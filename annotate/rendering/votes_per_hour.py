"""Votes an hour: how many pairs the device renders, measured or expected."""

from dataclasses import dataclass

from annotate.interfaces import Sampler
from annotate.rendering.pair_requests import PairRequests
from annotate.rendering.renderer import Renderer
from annotate.wording import quantity

HOUR_S = 3600.0
ROUGH_FROM = 100
"""From so many an hour on, a number is told in tens."""


@dataclass(frozen=True, slots=True)
class RenderingSpeed:
    """The speed of rendering: measured on the newest requests, or before them expected."""

    seconds_per_pair: float
    measured: bool

    @property
    def pairs_per_hour(self) -> int:
        """Return the pairs that are rendered in an hour, roughly."""
        pairs = HOUR_S / self.seconds_per_pair
        return int(round(pairs, -1)) if pairs >= ROUGH_FROM else max(1, round(pairs))

    def sentence(self) -> str:
        """Return the speed in words."""
        renders = "renders" if self.measured else "should render"
        return f"This device {renders} about {quantity(self.pairs_per_hour, 'pair')} an hour."


def speed_of(requests: PairRequests, sampler: Sampler, renderer: Renderer) -> RenderingSpeed | None:
    """Return the speed in the look of now; None while nobody can tell."""
    if measured := requests.pace.seconds_per_pair or 2 * requests.image_s:
        return RenderingSpeed(measured, measured=True)
    expected = sampler.expected_image_s(renderer.look.settings())
    return RenderingSpeed(2 * expected, measured=False) if expected else None
