"""Small line charts of a value over the steps of a run."""

from collections.abc import Sequence
from html import escape

from annotate.charts.svg import EVEN_STROKE, Point, level, polyline, svg

WIDTH, HEIGHT = 320.0, 96.0
MOST_POINTS = 160
"""Two pixels per point; more points make the page larger, not the line finer."""


def curve(
    title: str,
    points: Sequence[Point],
    form: str,
    low: float | None = None,
    high: float | None = None,
    guide: float | None = None,
) -> str:
    """Return a line chart: the raw line faint, the smoothed line strong, its last value in large.

    `form` is the format of a value; `guide` adds a dashed level such as chance.
    """
    raw = _thin(points)
    smooth = _smooth(raw)
    values = [value for _, value in raw]
    bottom = min(values) if low is None else low
    top = max(values) if high is None else high
    scale = _Scale(raw[0][0], raw[-1][0], bottom, top)

    marks = [polyline("raw", map(scale, raw)), polyline("smooth", map(scale, smooth))]
    if guide is not None:
        marks.insert(0, level("guide", 0, WIDTH, scale((raw[0][0], guide))[1], EVEN_STROKE))
    label = f"{title} over {raw[-1][0]:.0f} steps"
    return (
        f'<figure class="curve"><figcaption>{escape(title)}'
        f"<b>{form.format(smooth[-1][1])}</b></figcaption>"
        f'<div class="plot"><span class="top">{form.format(top)}</span>'
        f'<span class="bottom">{form.format(bottom)}</span>'
        f"{svg(WIDTH, HEIGHT, label, marks, stretched=True)}</div></figure>"
    )


def _thin(points: Sequence[Point]) -> list[Point]:
    every = max(1, -(-len(points) // MOST_POINTS))
    # The last point is the newest value, and always kept.
    kept = list(points[::every])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _smooth(points: Sequence[Point]) -> list[Point]:
    """Return the exponential moving average (decay 0.9), corrected for its start as in Adam."""
    total = weight = 0.0
    smoothed = []
    for at, value in points:
        total, weight = 0.9 * total + value, 0.9 * weight + 1
        smoothed.append((at, total / weight))
    return smoothed


class _Scale:
    def __init__(self, first: float, last: float, bottom: float, top: float) -> None:
        # A flat line or a single point has no extent to divide by.
        self._first, self._width = first, (last - first) or 1.0
        self._bottom, self._height = bottom, (top - bottom) or 1.0

    def __call__(self, point: Point) -> Point:
        across = (point[0] - self._first) / self._width
        up = (point[1] - self._bottom) / self._height
        return across * WIDTH, 3 + (1 - up) * (HEIGHT - 6)
