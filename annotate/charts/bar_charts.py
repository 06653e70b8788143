"""Small charts of counts and shares: bars over time, a share on a line, parts of a whole."""

from collections.abc import Sequence
from html import escape

from annotate.charts.svg import rect, svg, upright
from annotate.wording import quantity

# In units of the SVG, which CSS stretches to the width of its card.
BAR, GAP, HEIGHT = 10.0, 3.0, 64.0
LINE_LENGTH, LINE_HEIGHT, PARTS_HEIGHT = 100.0, 16.0, 10.0


def bars(title: str, values: Sequence[int], labels: Sequence[str], unit: str) -> str:
    """Return a bar chart of counts; the first, the middle and the last bar are labeled.

    `unit` names what is counted, in the singular.
    """
    most = max(values, default=0) or 1
    width = max(1.0, len(values) * (BAR + GAP) - GAP)
    marks = [
        _bar(number * (BAR + GAP), value, most, f"{label}: {quantity(value, unit)}")
        for number, (value, label) in enumerate(zip(values, labels, strict=True))
    ]

    named = dict.fromkeys([0, len(labels) // 2, len(labels) - 1]) if len(labels) > 2 else [0]
    below = "".join(f"<span>{escape(labels[index])}</span>" for index in named)
    return (
        f'<figure class="bars"><figcaption>{escape(title)}<b>max {most}</b></figcaption>'
        f'{svg(width, HEIGHT, title, marks, stretched=True)}<p class="axis">{below}</p></figure>'
    )


def on_line(
    value: float | None, low: float | None, high: float | None, name: str, middle: float | None
) -> str:
    """Return a share from 0 to 1 as a mark with its interval, and a dashed line at `middle`."""
    marks = [rect("rail", 0, 6, LINE_LENGTH, 4, radius=2)]
    if middle is not None:
        marks.append(upright("half", LINE_LENGTH * middle, 0, LINE_HEIGHT))
    if low is not None and high is not None:
        marks.append(rect("range", LINE_LENGTH * low, 6, LINE_LENGTH * (high - low), 4))
    if value is not None:
        marks.append(rect("mark", LINE_LENGTH * value - 0.8, 2, 1.6, 12))
    return svg(LINE_LENGTH, LINE_HEIGHT, name, marks, "on-line", stretched=True)


def parts(shares: Sequence[tuple[str, int]], name: str) -> str:
    """Return counts as parts of one bar; the name of each part is its CSS class."""
    whole = sum(count for _, count in shares) or 1
    marks, x = [], 0.0
    for kind, count in shares:
        width = LINE_LENGTH * count / whole
        marks.append(rect(kind, x, 0, width, PARTS_HEIGHT))
        x += width
    return svg(LINE_LENGTH, PARTS_HEIGHT, name, marks, "parts", stretched=True)


def on_scale(value: float, low: float, high: float, name: str) -> str:
    """Return a share from 0 to 1 on a labeled scale, with its interval; for one large figure."""
    low, high, value = 100 * low, 100 * high, 100 * value
    said = f"{name} {value:.0f} percent, interval {low:.0f} to {high:.0f} percent"
    return (
        f'<div class="interval" role="img" aria-label="{escape(said)}"><s></s>'
        f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i><u style="left:{value:.1f}%"></u>'
        "<span>0 %</span><span>50 %</span><span>100 %</span></div>"
    )


def progress_bar(percent: int, state: str, name: str) -> str:
    """Return the progress of a task as a bar, colored by the task's state."""
    return (
        f'<div class="track {escape(state)}" role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}" aria-label="{escape(name)}">'
        f'<div class="fill" style="width:{percent}%"></div></div>'
    )


def _bar(x: float, value: int, most: int, title: str) -> str:
    # One vote beside thousands is still visible.
    height = max(1.0 if value else 0.0, HEIGHT * value / most)
    return rect("", x, HEIGHT - height, BAR, height, hint=title)
