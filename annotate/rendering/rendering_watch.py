"""Rendering watch: how far the images are that somebody waits for, in a sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from align.contracts.durations import in_words
from align.contracts.step_progress import StepProgress
from annotate.clock import Monotonic
from annotate.views.pair_rendering import RenderingView

MINUTES_FROM_S = 90.0
"""A longer time is told in minutes."""


class RenderingWatch:
    """The newest progress of one request at a time; one thread tells, any may read."""

    def __init__(self, clock: Monotonic, previews: bool = False) -> None:
        """`previews` asks the sampler for small images of what it is rendering."""
        self._clock, self.previews = clock, previews
        self._newest: tuple[StepProgress, float] | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Forget at the end of the block what was told in it."""
        try:
            yield
        finally:
            self._newest = None

    def tell(self, progress: StepProgress) -> None:
        """Take what the sampler tells of a request under way."""
        self._newest = (progress, self._clock())

    def view(self) -> RenderingView | None:
        """Return how far the images are; None where nothing is told, as of quick ones."""
        if (newest := self._newest) is None:
            return None
        progress, told_at = newest
        left_s = progress["seconds_left"] - (self._clock() - told_at)
        return {"message": sentence(progress, left_s), "previews": progress["previews"]}

    @property
    def message(self) -> str:
        """Return how far the images are, as a sentence; empty where nothing is told."""
        view = self.view()
        return view["message"] if view else ""


def sentence(progress: StepProgress, left_s: float) -> str:
    """Return which image is at which step, and the time it may still take."""
    step = f"{progress['step']} of {progress['steps']}, {about(left_s)}."
    if progress["count"] == 1:
        return f"Step {step}"
    places = named_places([index + 1 for index in progress["indices"]])
    return f"{places} of {progress['count']}, step {step}"


def named_places(places: Sequence[int]) -> str:
    """Return the numbers of images in words: image 1, images 1 and 2, images 1 to 4."""
    if len(places) == 1:
        return f"Image {places[0]}"
    joined = " and " if len(places) == 2 else " to "
    return f"Images {places[0]}{joined}{places[-1]}"


def about(seconds: float) -> str:
    """Return a time that was estimated, in rough steps."""
    if seconds >= MINUTES_FROM_S:
        return f"about {in_words(60 * round(seconds / 60))}"
    if seconds >= 10:
        return f"about {5 * round(seconds / 5)} s"
    return f"about {round(seconds)} s" if seconds >= 1.5 else "any moment"
