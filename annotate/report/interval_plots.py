"""Plots as inline SVG, colored by the page's own style: no script, no font, no request."""

from collections.abc import Sequence
from html import escape

from annotate.report.evaluation import WinRate

WIDTH, LABEL, ROW, AXIS = 720, 250, 30, 26
"""Width of a plot, of its labels, and height of a row and of the axis; in SVG units."""
MARGIN = 66
"""Space right of the scale, for the values."""
MAX_LABEL_LENGTH = 34


def whiskers(rows: Sequence[tuple[str, WinRate]]) -> str:
    """Return a plot of win rates: points with their intervals, and a line at one half."""
    height = ROW * len(rows) + AXIS
    marks = [_tick(share, height) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for number, (name, win_rate) in enumerate(rows):
        marks.append(_whisker(name, win_rate, ROW * number + ROW / 2))
    title = "Share of wins with its interval; one half is no difference"
    return _svg(title, height, marks)


def dots(rows: Sequence[tuple[str, Sequence[tuple[int, float]]]], colors: int) -> str:
    """Return a plot of values per row: a dot per (series, value), and a line at zero."""
    values = [value for _, points in rows for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
    # Where all values are zero, any span will do.
    span = (high - low) or 1.0
    height = ROW * len(rows) + AXIS

    zero = _across((0 - low) / span)
    marks = [f'<line class="half" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height - AXIS}"/>']
    for share, value in ((0.0, low), (1.0, high)):
        marks.append(_text("axis", _across(share), height - 8, f"{value:.3g}", "middle"))

    for number, (name, points) in enumerate(rows):
        y = ROW * number + ROW / 2
        marks.append(_text("name", LABEL - 14, y + 4.5, name, "end"))
        marks.append(f'<line class="row" x1="{LABEL}" x2="{WIDTH - MARGIN}" y1="{y}" y2="{y}"/>')
        for series, value in points:
            x = _across((value - low) / span)
            marks.append(f'<circle class="s{series % colors}" cx="{x:.1f}" cy="{y}" r="5"/>')
    return _svg("Scores by prompt", height, marks)


def _whisker(name: str, win_rate: WinRate, y: float) -> str:
    parts = [_text("name", LABEL - 14, y + 4.5, name, "end")]
    if win_rate.low is not None and win_rate.high is not None:
        low, high = _across(win_rate.low), _across(win_rate.high)
        parts.append(f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>')
        for x in (low, high):
            parts.append(
                f'<line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 6}" y2="{y + 6}"/>'
            )

    parts.append(f'<circle class="s0" cx="{_across(win_rate.rate):.1f}" cy="{y}" r="5.5"/>')
    value = f"{100 * win_rate.rate:.0f} %"
    parts.append(_text("value", WIDTH - 6, y + 4.5, value, "end"))
    return "".join(parts)


def _tick(share: float, height: float) -> str:
    x, kind = _across(share), "half" if share == 0.5 else "tick"
    line = f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - AXIS}"/>'
    return line + _text("axis", x, height - 8, f"{100 * share:.0f} %", "middle")


def _across(share: float) -> float:
    """Return the x of a share of the scale, from 0 to 1."""
    return LABEL + share * (WIDTH - MARGIN - LABEL)


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> str:
    shown = text if len(text) <= MAX_LABEL_LENGTH else f"{text[: MAX_LABEL_LENGTH - 1]}…"
    position = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {position}>{escape(shown)}</text>'


def _svg(title: str, height: float, marks: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(marks)}</svg>"
    )
