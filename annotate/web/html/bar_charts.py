"""Small charts as inline SVG, colored by CSS: bars over time, and shares on a line."""

from collections.abc import Sequence
from html import escape

from annotate.wording import quantity

# In units of the SVG, which CSS stretches to the width of its card.
BAR, GAP, HEIGHT = 10.0, 3.0, 64.0
LINE, MIDDLE = 100.0, 8.0


def bars(title: str, values: Sequence[int], labels: Sequence[str], unit: str) -> str:
    """Return a bar chart of counts; the first, the middle and the last bar are labeled.

    `unit` names what is counted, in the singular.
    """
    most = max(values, default=0) or 1
    width = max(1.0, len(values) * (BAR + GAP) - GAP)
    marks = "".join(
        _bar(number * (BAR + GAP), value, most, f"{label}: {quantity(value, unit)}")
        for number, (value, label) in enumerate(zip(values, labels, strict=True))
    )

    named = dict.fromkeys([0, len(labels) // 2, len(labels) - 1]) if len(labels) > 2 else [0]
    below = "".join(f"<span>{escape(labels[index])}</span>" for index in named)
    return (
        f'<figure class="bars"><figcaption>{escape(title)}<b>max {most}</b></figcaption>'
        f'<svg viewBox="0 0 {width:.0f} {HEIGHT:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}">{marks}</svg><p class="axis">{below}</p></figure>'
    )


def on_line(
    value: float | None, low: float | None, high: float | None, name: str, middle: float | None
) -> str:
    """Return a share from 0 to 1 as a mark with its interval, and a dashed line at `middle`."""
    marks = '<rect class="rail" x="0" y="6" width="100" height="4" rx="2"/>'
    if middle is not None:
        x = LINE * middle
        marks += f'<line class="half" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="16"/>'
    if low is not None and high is not None:
        marks += _rect("range", LINE * low, LINE * high, 6, 4)
    if value is not None:
        marks += _rect("mark", LINE * value - 0.8, LINE * value + 0.8, 2, 12)

    return (
        f'<svg class="on-line" viewBox="0 0 100 16" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name, quote=True)}">{marks}</svg>'
    )


def parts(shares: Sequence[tuple[str, int]], name: str) -> str:
    """Return counts as parts of one bar; the name of each part is its CSS class."""
    whole = sum(count for _, count in shares) or 1
    marks, x = "", 0.0
    for kind, count in shares:
        width = LINE * count / whole
        marks += f'<rect class="{kind}" x="{x:.2f}" y="0" width="{width:.2f}" height="10"/>'
        x += width
    return (
        f'<svg class="parts" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name, quote=True)}">{marks}</svg>'
    )


def _bar(x: float, value: int, most: int, title: str) -> str:
    # One vote beside thousands is still visible.
    height = max(1.0 if value else 0.0, HEIGHT * value / most)
    return (
        f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{BAR:.0f}" height="{height:.1f}" '
        f"><title>{escape(title)}</title></rect>"
    )


def _rect(css_class: str, low: float, high: float, y: float, height: float) -> str:
    width = max(0.0, high - low)
    return (
        f'<rect class="{css_class}" x="{low:.2f}" y="{y:g}" width="{width:.2f}" '
        f'height="{height:g}"/>'
    )
