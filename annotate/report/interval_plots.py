"""Plots as inline SVG, coloured by the page's own style: no script, no font, no request."""

from collections.abc import Sequence
from html import escape

from annotate.report.evaluation import Rate

WIDTH, LABEL, ROW, AXIS = 720, 250, 30, 26
MARGIN = 66


def whiskers(rows: Sequence[tuple[str, Rate]]) -> str:
    """Return rates as points with their intervals, over a line at one half."""
    height = ROW * len(rows) + AXIS
    marks = [_tick(share, height) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for number, (name, won) in enumerate(rows):
        marks.append(_whisker(name, won, ROW * number + ROW / 2))
    title = "Share of wins with its interval; one half is no difference"
    return _svg(title, height, marks)


def dots(rows: Sequence[tuple[str, Sequence[tuple[int, float]]]], colours: int) -> str:
    """Return values per row as dots, (series, value) each, over a line at zero."""
    values = [value for _, points in rows for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
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
            marks.append(f'<circle class="s{series % colours}" cx="{x:.1f}" cy="{y}" r="5"/>')
    return _svg("Scores by prompt", height, marks)


def _whisker(name: str, won: Rate, y: float) -> str:
    parts = [_text("name", LABEL - 14, y + 4.5, name, "end")]
    if won.low is not None and won.high is not None:
        low, high = _across(won.low), _across(won.high)
        parts.append(f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>')
        for x in (low, high):
            parts.append(
                f'<line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 6}" y2="{y + 6}"/>'
            )
    parts.append(f'<circle class="s0" cx="{_across(won.rate):.1f}" cy="{y}" r="5.5"/>')
    value = f"{100 * won.rate:.0f} %"
    parts.append(_text("value", WIDTH - 6, y + 4.5, value, "end"))
    return "".join(parts)


def _tick(share: float, height: float) -> str:
    x, kind = _across(share), "half" if share == 0.5 else "tick"
    line = f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - AXIS}"/>'
    return line + _text("axis", x, height - 8, f"{100 * share:.0f} %", "middle")


def _across(share: float) -> float:
    return LABEL + share * (WIDTH - MARGIN - LABEL)


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> str:
    shown = text if len(text) <= 34 else f"{text[:33]}…"
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(shown)}</text>'


def _svg(title: str, height: float, marks: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(marks)}</svg>"
    )
