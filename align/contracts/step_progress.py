"""Progress of a rendering, as the sampler tells it about once a second."""

from typing import TypedDict, final


@final
class StepProgress(TypedDict):
    """Progress of a `RenderRequest`, about once a second."""

    id: int
    indices: list[int]
    """Of the items that are rendered just now, all of them at once."""
    count: int
    """Number of all items."""
    step: int
    steps: int
    seconds_left: float
    """Seconds until these images have made their last step."""
    previews: list[str]
    """Data URLs of the first of these images as they are now; empty where none were asked for."""
