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
    last: float | None = None,
) -> str:
    """Return a line chart: the raw line faint, the smoothed line strong, its last value in large.

    `form` is the format of a value; `guide` adds a dashed level such as chance; `last` is the last
    step of the axis.
    """
    raw = _thin(points)
    smooth = _smooth(raw)
    scale = _Scale.of(raw, low, high, last)
    marks = [polyline("raw", map(scale, raw)), polyline("smooth", map(scale, smooth))]
    return _figure(title, marks, form, scale, guide, smooth[-1])


def marked_points(
    title: str,
    points: Sequence[Point],
    form: str,
    low: float | None = None,
    high: float | None = None,
    guide: float | None = None,
    last: float | None = None,
) -> str:
    """Return a line chart of few values: a dot for each, and their last one in large."""
    scale = _Scale.of(points, low, high, last)
    # A dot is a line of no length with round ends: a circle would be stretched with its chart.
    dots = [polyline("point", [scale(point), scale(point)]) for point in points]
    marks = [polyline("smooth", map(scale, points)), *dots]
    return _figure(title, marks, form, scale, guide, points[-1])


def _figure(
    title: str, marks: list[str], form: str, scale: "_Scale", guide: float | None, newest: Point
) -> str:
    """Return a chart with its title, its newest value and the ends of its scale."""
    if guide is not None:
        marks = [level("guide", 0, WIDTH, scale((0, guide))[1], EVEN_STROKE), *marks]
    label = f"{title} over {newest[0]:.0f} steps"
    return (
        f'<figure class="curve"><figcaption>{escape(title)}'
        f"<b>{form.format(newest[1])}</b></figcaption>"
        f'<div class="plot"><span class="top">{form.format(scale.top)}</span>'
        f'<span class="bottom">{form.format(scale.bottom)}</span>'
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
    """Maps steps and values to the units of a chart."""

    def __init__(self, first: float, last: float, bottom: float, top: float) -> None:
        # A flat line or a single point has no extent to divide by.
        self._first, self._width = first, (last - first) or 1.0
        self.bottom, self.top = bottom, top
        self._height = (top - bottom) or 1.0

    @classmethod
    def of(
        cls,
        points: Sequence[Point],
        low: float | None,
        high: float | None,
        last: float | None,
    ) -> "_Scale":
        """Return the scale of these points; what is given is not taken from them."""
        steps, values = [step for step, _ in points], [value for _, value in points]
        # A run's axis begins at its first step, whichever was measured first.
        first, end = (min(steps), max(steps)) if last is None else (min(1.0, *steps), last)
        return cls(
            first, end, min(values) if low is None else low, max(values) if high is None else high
        )

    def __call__(self, point: Point) -> Point:
        across = (point[0] - self._first) / self._width
        up = (point[1] - self.bottom) / self._height
        return across * WIDTH, 3 + (1 - up) * (HEIGHT - 6)
