"""Charts: what they show, and that no text becomes markup."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from annotate.charts.bar_charts import bars, on_line, on_scale, parts, progress_bar
from annotate.charts.interval_plots import dots, whiskers
from annotate.charts.line_charts import curve

HOSTILE = '<b>"&'


@dataclass(frozen=True)
class Share:
    rate: float
    low: float | None = None
    high: float | None = None


CHARTS = {
    "bars": bars(HOSTILE, [0, 1, 4000], [HOSTILE] * 3, "vote"),
    "on_line": on_line(0.6, 0.4, 0.8, HOSTILE, 0.5),
    "parts": parts([("decided", 3), ("skip", 1)], HOSTILE),
    "curve": curve(HOSTILE, [(1.0, 0.7), (2.0, 0.6)], "{:.2f}", guide=0.65),
    "whiskers": whiskers([(HOSTILE, Share(0.6, 0.4, 0.8)), ("v2", Share(0.5))]),
    "dots": dots([(HOSTILE, [(0, 0.2), (1, -0.4)])], 4),
}


def numbers(chart: str, mark: str, name: str) -> list[float]:
    """Values of an attribute of every mark of a kind."""
    return [float(found) for found in re.findall(rf'<{mark}[^>]*? {name}="([^"]+)"', chart)]


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_markup_whatever_it_is_called(chart: str) -> None:
    root = ElementTree.fromstring(chart)
    svg = root if root.tag == "svg" else root.find(".//svg")
    assert svg is not None and svg.get("role") == "img" and svg.get("aria-label")
    assert '<b>"' not in chart


def test_one_vote_beside_thousands_is_visible_and_none_is_not() -> None:
    none, one, most = numbers(
        bars("Votes", [0, 1, 9000], ["a", "b", "c"], "vote"), "rect", "height"
    )
    assert none == 0 and 1 <= one < most


def test_parts_of_a_bar_add_up_to_it() -> None:
    widths = numbers(parts([("good", 1), ("bad", 2), ("skip", 5)], "x"), "rect", "width")
    assert widths == [12.5, 25, 62.5]
    assert numbers(parts([("good", 0)], "x"), "rect", "width") == [0]


def test_a_share_without_an_interval_is_a_mark_alone() -> None:
    assert 'class="range"' in CHARTS["on_line"]
    assert 'class="range"' not in on_line(0.6, None, None, "x", 0.5)
    assert 'class="mark"' not in on_line(None, None, None, "x", None)


def test_a_point_of_a_plot_lies_between_the_ends_of_its_interval() -> None:
    plot = whiskers([("v1", Share(0.6, 0.4, 0.8))])
    low, *_, high = numbers(plot, 'line class="range"', "x1")
    (point,) = numbers(plot, "circle", "cx")
    assert low < point < high


def test_a_scale_and_a_progress_bar_say_their_numbers_to_screen_readers() -> None:
    scale = ElementTree.fromstring(on_scale(0.61, 0.41, 0.8, HOSTILE))
    assert scale.get("aria-label") == f"{HOSTILE} 61 percent, interval 41 to 80 percent"
    progress = ElementTree.fromstring(progress_bar(37, "running", HOSTILE))
    assert (progress.get("aria-valuenow"), progress.get("aria-label")) == ("37", HOSTILE)
