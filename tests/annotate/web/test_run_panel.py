"""The run that is open: its samples, curves, settings and log as HTML."""

import re
from typing import Any

import pytest

from annotate.charts.line_charts import curve, marked_points
from annotate.versions.naming import VersionTitles
from annotate.web.html.run_cards import runs_table
from annotate.web.html.run_curves import curves_beside, curves_of
from annotate.web.html.run_panel import (
    delete_question,
    log_lines,
    run_head,
    samples_strip,
    settings_tables,
)

MARKUP = "<script>&\"'"


def run(**changes: Any) -> Any:
    """A run as the studio describes it."""
    told: dict[str, Any] = {
        "run_id": "r0001",
        "state": "cancelled",
        "created": "2026-01-02T03:04:05+00:00",
        "trigger": "person",
        "counts": {"preference": 12},
        "error": None,
        "version": None,
        "result": None,
        "step": 3,
        "steps": 8,
    }
    return told | changes


def metrics(steps: int, held_out: int = 0) -> list[Any]:
    """Metrics of so many steps, the held-out pairs evaluated at every so-and-so-many-th."""
    rows: list[Any] = []
    for step in range(1, steps + 1):
        rows.append({"step": step, "loss": 0.7 - step / 100, "rewards/accuracies": 0.5})
        if held_out and step % held_out == 0:
            rows[-1]["held_out_accuracy"] = 0.75
    return rows


def sample(shares: list[float], **changes: Any) -> Any:
    """A prompt with images at these shares of a run of 80 steps."""
    stages = [
        {"step": round(80 * share), "share": share, "url": f"sample/r0001-{share}.png"}
        for share in shares
    ]
    return {"prompt": "a cat", "seed": 7, "voted": True, "stages": stages} | changes


def test_a_ranking_of_four_counts_among_the_choices_that_a_run_learns_from():
    html = run_head(run(counts={"preference": 12, "ranking": 2, "tie": 3}))
    assert "learns from 14 choices" in html


def test_a_prompt_has_a_row_from_the_base_to_the_version():
    html = samples_strip([sample([0, 0.25, 1]), sample([0], voted=False)], "warm colors (v2)")
    captions = re.findall(r"<span>([^<]*)</span></a>", html)
    assert captions == ["Base", "Step 20", "warm colors (v2)", "Base"]
    assert "you voted on it" in html and "nobody voted on it" in html
    # The image is the link, and says what it is.
    assert 'alt="a cat, Step 20"' in html


def test_a_run_without_samples_says_so():
    assert "rendered no images" in samples_strip([])
    assert "rendered no images" in samples_strip([sample([])])


def test_settings_that_were_chosen_come_before_the_others():
    html = settings_tables({"steps": 40}, {"rank": 8, "steps": 40, "compile": False})
    assert html.index("steps") < html.index("2 other settings") < html.index("rank")
    assert "<td>no</td>" in html
    assert "Nothing was changed" in settings_tables({}, {"rank": 8})


def test_curves_mark_what_was_measured_on_pairs_held_out():
    assert curves_of(metrics(1)) == ""
    assert "held out" not in curves_of(metrics(40))
    html = curves_of(metrics(40, held_out=10))
    assert "Agrees on pairs held out<b>75 %</b>" in html
    assert html.count('class="point"') == 4


def test_curves_of_two_runs_stand_side_by_side_on_the_same_scales():
    html = curves_beside(("older", metrics(10)), ("newer", metrics(40, held_out=20)))
    older, newer = html.split('<div class="beside">')[1:]
    assert "older" in older and "newer" in newer
    bottoms = [re.findall(r'class="bottom">([^<]*)', column)[0] for column in (older, newer)]
    assert bottoms == ["0.300", "0.300"]
    # Ten steps of forty end at a quarter of the width.
    path = re.findall(r'class="raw" points="([^"]*)"', older)[0]
    assert float(path.split()[-1].split(",")[0]) == pytest.approx(320 * 9 / 39, abs=0.1)
    assert "too few steps" in curves_beside(("a", metrics(1)), ("b", metrics(5)))
    assert "too few steps" in curves_beside(("a", []), ("b", []))


def test_a_dot_lies_where_the_line_goes():
    html = marked_points("Share", [(10.0, 0.0), (20.0, 100.0)], "{:.0f}", 0, 100, 50, 20)
    dots = re.findall(r'class="point" points="([^ ]*) ', html)
    line = re.findall(r'class="smooth" points="([^"]*)"', html)[0].split()
    assert dots == line
    assert "<svg" in curve("Loss", [(1.0, 0.7)], "{:.2f}")


def test_the_history_opens_every_run_by_a_button():
    html = runs_table([run(), run(run_id="r0002", state="failed")], opened="r0002")
    assert re.findall(r'data-run="(\w+)" aria-expanded="(\w+)"', html) == [
        ("r0001", "false"),
        ("r0002", "true"),
    ]
    assert html.count('<tr class="open">') == 1


def test_the_question_before_a_run_is_deleted_says_what_stays():
    assert "cannot be resumed" in delete_question(run())
    titles = VersionTitles()
    assert "<b>v1</b>, which it made, stays" in delete_question(run(version="v1"), titles)


def test_the_head_of_a_run_says_what_it_was():
    html = run_head(run())
    assert "Started by hand" in html and "step 3 of 8" in html and "12 choices" in html


def test_nothing_that_somebody_wrote_becomes_markup():
    shown = [
        samples_strip([sample([0], prompt=MARKUP)], MARKUP),
        settings_tables({MARKUP: MARKUP}, {}),
        log_lines([MARKUP]),
        run_head(run(error=MARKUP)),
    ]
    assert not any(MARKUP in html for html in shown)
    assert "printed nothing" in log_lines([])
