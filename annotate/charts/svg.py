"""Marks that charts are made of, in the units of their SVG."""

from collections.abc import Iterable
from html import escape

Point = tuple[float, float]
EVEN_STROKE = ' vector-effect="non-scaling-stroke"'
"""Keeps a line as thick as it is where CSS stretches its chart."""


def svg(
    width: float,
    height: float,
    label: str,
    marks: Iterable[str],
    css_class: str = "",
    stretched: bool = False,
) -> str:
    """Return a chart that screen readers call by its label.

    A stretched one fills the box that the style gives it, whatever its proportions.
    """
    kind = _class(css_class)
    shape = ' preserveAspectRatio="none"' if stretched else ""
    return (
        f'<svg{kind} viewBox="0 0 {width:.0f} {height:.0f}"{shape} role="img" '
        f'aria-label="{escape(label)}">{"".join(marks)}</svg>'
    )


def rect(
    css_class: str,
    left: float,
    top: float,
    width: float,
    height: float,
    *,
    radius: float = 0,
    hint: str = "",
) -> str:
    """Return a rectangle; its hint is shown while the pointer is on it."""
    title = f"<title>{escape(hint)}</title>" if hint else ""
    corners = f' rx="{radius:g}"' if radius else ""
    return (
        f'<rect{_class(css_class)} x="{left:.2f}" y="{top:.2f}" width="{max(0.0, width):.2f}" '
        f'height="{height:.2f}"{corners}>{title}</rect>'
    )


def upright(css_class: str, x: float, top: float, bottom: float) -> str:
    """Return a vertical line."""
    return f'<line class="{css_class}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}"/>'


def level(css_class: str, left: float, right: float, y: float, stroke: str = "") -> str:
    """Return a horizontal line."""
    across = f'x1="{left:.1f}" x2="{right:.1f}"'
    return f'<line class="{css_class}" {across} y1="{y:.1f}" y2="{y:.1f}"{stroke}/>'


def polyline(css_class: str, points: Iterable[Point]) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{css_class}" points="{path}"{EVEN_STROKE}/>'


def dot(css_class: str, x: float, y: float, radius: float) -> str:
    """Return a filled circle."""
    return f'<circle class="{css_class}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def text(css_class: str, x: float, y: float, content: str, anchor: str) -> str:
    """Return a text whose start, middle or end is at x, as `anchor` says."""
    position = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{css_class}" {position}>{escape(content)}</text>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
