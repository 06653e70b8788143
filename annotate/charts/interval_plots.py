"""Plots of several rows: win rates with their intervals, and values by row."""

from collections.abc import Sequence
from typing import Protocol

from annotate.charts.svg import dot, level, svg, text, upright
from annotate.wording import percent

WIDTH, LABEL, ROW, AXIS = 720, 250, 30, 26
"""Width of a plot, of its labels, and height of a row and of the axis; in SVG units."""
MARGIN = 66
"""Space right of the scale, for the values."""
MAX_LABEL_LENGTH = 34


class Interval(Protocol):
    """A share from 0 to 1 with the interval around it."""

    @property
    def rate(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def whiskers(rows: Sequence[tuple[str, Interval]]) -> str:
    """Return a plot of shares: points with their intervals, and a line at one half."""
    height = ROW * len(rows) + AXIS
    marks = [_tick(share, height) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for number, (name, interval) in enumerate(rows):
        marks.append(_whisker(name, interval, ROW * number + ROW / 2))
    title = "Share of wins with its interval; one half is no difference"
    return svg(WIDTH, height, title, marks)


def dots(rows: Sequence[tuple[str, Sequence[tuple[int, float]]]], colors: int) -> str:
    """Return a plot of values per row: a dot per (series, value), and a line at zero."""
    values = [value for _, points in rows for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
    # Where all values are zero, any span will do.
    span = (high - low) or 1.0
    height = ROW * len(rows) + AXIS

    marks = [upright("half", _across((0 - low) / span), 0, height - AXIS)]
    for share, value in ((0.0, low), (1.0, high)):
        marks.append(text("axis", _across(share), height - 8, f"{value:.3g}", "middle"))

    for number, (name, points) in enumerate(rows):
        y = ROW * number + ROW / 2
        marks.append(_name(name, y))
        marks.append(level("row", LABEL, WIDTH - MARGIN, y))
        for series, value in points:
            marks.append(dot(f"s{series % colors}", _across((value - low) / span), y, 5))
    return svg(WIDTH, height, "Scores by prompt", marks)


def _whisker(name: str, interval: Interval, y: float) -> str:
    marks = [_name(name, y)]
    if interval.low is not None and interval.high is not None:
        low, high = _across(interval.low), _across(interval.high)
        marks.append(level("range", low, high, y))
        marks += [upright("range", x, y - 6, y + 6) for x in (low, high)]

    marks.append(dot("s0", _across(interval.rate), y, 5.5))
    marks.append(text("value", WIDTH - 6, y + 4.5, percent(interval.rate), "end"))
    return "".join(marks)


def _name(name: str, y: float) -> str:
    shown = name if len(name) <= MAX_LABEL_LENGTH else f"{name[: MAX_LABEL_LENGTH - 1]}…"
    return text("name", LABEL - 14, y + 4.5, shown, "end")


def _tick(share: float, height: float) -> str:
    x = _across(share)
    line = upright("half" if share == 0.5 else "tick", x, 0, height - AXIS)
    return line + text("axis", x, height - 8, percent(share), "middle")


def _across(share: float) -> float:
    """Return the x of a share of the scale, from 0 to 1."""
    return LABEL + share * (WIDTH - MARGIN - LABEL)
