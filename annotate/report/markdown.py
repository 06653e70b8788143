"""Markdown report, with intervals plotted in text."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from annotate.report.evaluation import Evaluation, VerdictResult, WinRate
from annotate.report.findings import (
    checks_sentence,
    interval,
    moment,
    number,
    rated,
    score_name,
    title,
    verdict_name,
    verdict_sentence,
)
from annotate.wording import percent

PLOT_WIDTH = 41
"""Characters of a plotted interval; odd, so that one half has a character of its own."""
MAX_IMAGES = 30
MAX_ROWS = 40


def markdown_report(evaluation: Evaluation, out: Path) -> str:
    """Return the report; paths of images are relative to `out`, the folder it is written to."""
    parts = [
        [f"# {plain(title(evaluation))}", plain(moment(evaluation.created))],
        _checks(evaluation),
        _rates(evaluation),
        *map(_verdict, evaluation.verdicts),
        _scores(evaluation),
        _images(evaluation, out),
    ]
    return "\n\n".join(line for part in parts for line in part if line) + "\n"


def _checks(evaluation: Evaluation) -> list[str]:
    if not evaluation.checks:
        return []

    rows = [
        (
            check.version or "–",
            check.name,
            "passed" if check.passed else "**failed**",
            number(check.value),
            number(check.limit),
            check.sentence,
        )
        for check in evaluation.checks
    ]
    said = f"**{plain(checks_sentence(evaluation))}**"
    head = ("Version", "Check", "", "Value", "Limit", "What it says")
    return ["## Checks", said, table(head, rows, (2,))]


def _rates(evaluation: Evaluation) -> list[str]:
    rows = [
        (name, f"`{plotted(win_rate)}`", interval(win_rate)) for name, win_rate in rated(evaluation)
    ]
    if not rows:
        return []
    return ["## Win rates", table(("", "0 %, one half, 100 %", "Win rate"), rows, (1,))]


def _verdict(verdict: VerdictResult) -> list[str]:
    lines = [f"## Blind votes: {plain(verdict_name(verdict))}", plain(verdict_sentence(verdict))]
    if verdict.e_value is not None:
        lines.append(f"e-value {verdict.e_value:.3g}")
    for heading, counts in (("Person", verdict.by_person), ("Prompt", verdict.by_prompt)):
        rows = [
            (name, str(w), str(loss), str(t), percent(w / (w + loss)) if w + loss else "–")
            for name, (w, loss, t) in sorted(counts.items(), key=lambda item: -sum(item[1]))
        ]
        if rows:
            head = (heading, "Wins", "Losses", "Ties", "Share")
            lines += [table(head, rows[:MAX_ROWS]), _more(len(rows), MAX_ROWS)]

    return lines


def _scores(evaluation: Evaluation) -> list[str]:
    if not evaluation.scores:
        return []

    rows = [
        (
            s.scorer,
            s.version,
            number(s.mean),
            number(s.median),
            interval(s.win_rate) if s.win_rate else "–",
        )
        for s in evaluation.scores
    ]
    lines = ["## Scores", table(("Scorer", "Version", "Mean", "Median", "Wins against base"), rows)]
    prompts = [
        (
            prompt,
            *(
                number(s.by_prompt[index] if index < len(s.by_prompt) else None)
                for s in evaluation.scores
            ),
        )
        for index, prompt in enumerate(evaluation.prompts)
    ]
    if prompts and any(score.by_prompt for score in evaluation.scores):
        head = ("Prompt", *(score_name(score) for score in evaluation.scores))
        lines += [table(head, prompts[:MAX_ROWS]), _more(len(prompts), MAX_ROWS)]

    return lines


def _images(evaluation: Evaluation, out: Path) -> list[str]:
    versions = [version.name for version in evaluation.versions]
    rows = []
    for index, prompt in enumerate(evaluation.prompts):
        for seed in evaluation.seeds:
            files = [evaluation.images.get((name, index, seed)) for name in versions]
            if any(files):
                cells = [_link(file, out) for file in files]
                rows.append((f"{plain(prompt)}, seed {seed}", *cells))

    if rows:
        every = tuple(range(len(versions) + 1))
        shown = table(("Prompt", *versions), rows[:MAX_IMAGES], every)
        return ["## Images", shown, _more(len(rows), MAX_IMAGES)]
    grids = [_link(grid, out) for grid in evaluation.grids]
    return ["## Images", *grids] if any(grids) else []


def _link(file: Path | None, out: Path) -> str:
    if file is None or not file.is_file():
        return "–"
    try:
        path = Path(os.path.relpath(file, out.resolve())).as_posix()
    except ValueError:
        # On Windows, a file of another drive has no relative path.
        path = file.name
    return f"![]({quote(path)})"


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], markdown_columns: Sequence[int] = ()
) -> str:
    """Return a table; columns of `markdown_columns` are Markdown already, others are escaped."""
    lines = [[plain(cell) for cell in head], ["---"] * len(head)]
    lines += [
        [cell if column in markdown_columns else plain(cell) for column, cell in enumerate(row)]
        for row in rows
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain(text: str) -> str:
    """Escape a text, so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(text.split()))


def plotted(win_rate: WinRate) -> str:
    """Plot a win rate and its interval in a line of text, with a mark at one half."""
    line = ["·"] * PLOT_WIDTH
    # From the back to the front: the interval, the mark at one half, the rate.
    if win_rate.low is not None and win_rate.high is not None:
        low, high = _column(win_rate.low), _column(win_rate.high)
        line[low : high + 1] = ["─"] * (high - low + 1)
    line[_column(0.5)] = "┼" if line[_column(0.5)] == "─" else "│"
    line[_column(win_rate.rate)] = "●"
    return "".join(line)


def _column(share: float) -> int:
    return round(share * (PLOT_WIDTH - 1))


def _more(total: int, shown: int) -> str:
    return f"And {total - shown:,} more in evaluation.json." if total > shown else ""
