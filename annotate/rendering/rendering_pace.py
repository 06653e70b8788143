"""Rendering pace: seconds from one pair that waits for annotators to the next, measured."""

from collections import deque
from typing import NamedTuple

from annotate.rendering.look import Look

REQUESTS = 12
"""The newest requests that count: they are of several sizes, and other programs come and go."""


class _Request(NamedTuple):
    seconds: float
    pairs: int


class RenderingPace:
    """The pace of the newest requests in one look; one thread notes, any may read."""

    def __init__(self) -> None:
        self._requests: deque[_Request] = deque(maxlen=REQUESTS)
        self._look: Look | None = None
        self.seconds_per_pair: float | None = None
        """None until there is a pair in the look of now."""

    def note(self, seconds: float, pairs: int, look: Look) -> None:
        """Count a request, with the pairs that it gave: none of images that look alike."""
        if look != self._look:
            self._requests.clear()
        self._look = look
        self._requests.append(_Request(seconds, pairs))

        rendered = sum(request.pairs for request in self._requests)
        total = sum(request.seconds for request in self._requests)
        self.seconds_per_pair = total / rendered if rendered else None
