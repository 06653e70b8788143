"""Curves of a run over its steps, alone or beside those of another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from align.contracts.run_files import MetricsRow
from annotate.charts.line_charts import curve, marked_points
from annotate.charts.svg import Point


@dataclass(frozen=True)
class Series:
    """One value of a run over its steps."""

    title: str
    form: str
    points: Sequence[Point]
    is_share: bool
    """True for percentages, whose scale is from 0 to 100."""
    is_sparse: bool = False
    """True where few steps have a value, each of which is then marked."""


def curves_of(metrics: Sequence[MetricsRow]) -> str:
    """Return curves of loss and accuracy over the steps; empty before the second step."""
    if len(metrics) < 2:
        return ""
    last = metrics[-1]["step"]
    drawn = "".join(_drawn(series, _loss_range([series]), last) for series in series_of(metrics))
    return f'<div class="curves">{drawn}</div>'


def curves_beside(
    first: tuple[str, Sequence[MetricsRow]], second: tuple[str, Sequence[MetricsRow]]
) -> str:
    """Return the curves of two runs side by side on the same scales, each under its title.

    A run without two steps has an empty column that says so.
    """
    columns = [(title, series_of(metrics)) for title, metrics in (first, second)]
    last = max((row["step"] for _, rows in (first, second) for row in rows[-1:]), default=1)
    every = [series for _, found in columns for series in found]
    ranges = {series.title: _loss_range([s for s in every if s.title == series.title])
              for series in every}  # fmt: skip

    shown = []
    for title, found in columns:
        drawn = "".join(_drawn(series, ranges[series.title], last) for series in found)
        empty = '<p class="soft">It has taken too few steps for a curve.</p>'
        shown.append(f'<div class="beside"><h4>{escape(title)}</h4>{drawn or empty}</div>')
    return f'<div class="curves two">{"".join(shown)}</div>'


def series_of(metrics: Sequence[MetricsRow]) -> list[Series]:
    """Return what a run measured: loss, and accuracy on training and held-out pairs."""
    if len(metrics) < 2:
        return []
    losses = [(row["step"], row["loss"]) for row in metrics]
    agreement = [(row["step"], 100 * _accuracy(row)) for row in metrics]
    held_out = [
        (row["step"], 100 * row["held_out_accuracy"])
        for row in metrics
        if "held_out_accuracy" in row
    ]
    found = [
        Series("Loss", "{:.3f}", losses, is_share=False),
        Series("Agrees with your votes", "{:.0f} %", agreement, is_share=True),
    ]
    if held_out:
        title = "Agrees on pairs held out"
        found.append(Series(title, "{:.0f} %", held_out, is_share=True, is_sparse=True))
    return found


def _drawn(series: Series, scale: tuple[float, float], last: float) -> str:
    draw = marked_points if series.is_sparse else curve
    low, high = (0.0, 100.0) if series.is_share else scale
    guide = 50.0 if series.is_share else None
    return draw(series.title, series.points, series.form, low, high, guide, last)


def _loss_range(found: Sequence[Series]) -> tuple[float, float]:
    values = [value for series in found for _, value in series.points]
    return min(values), max(values)


def _accuracy(row: MetricsRow) -> float:
    """Return the share of a step's pairs ordered as voted, also of a row with the former name."""
    return row["rewards/accuracies"] if "rewards/accuracies" in row else row["accuracy"]
