"""HTML report: one file with its style and images inside, which contacts no server."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from align.contracts.movement import percent_of, told_movement
from annotate.charts.interval_plots import dots, whiskers
from annotate.report.evaluation import CheckResult, Evaluation, ScorerResult, VerdictResult
from annotate.report.findings import (
    checks_sentence,
    interval,
    moment,
    number,
    rated,
    title,
    verdict_name,
    verdict_sentence,
)
from annotate.report.inline_images import as_data
from annotate.wording import percent

STYLE = Path(__file__).parent / "report.css"
SERIES_COLORS = 4
"""Colors for versions in report.css, .s0 to .s3."""
MAX_ROWS = 40
MAX_IMAGES = 60
GRID_SIDE_PX = 1600
EMPTY = (
    "<p>This evaluation holds no images, checks, scores or votes. Run it again with more of "
    "them.</p>"
)


def html_report(evaluation: Evaluation) -> str:
    """Return the report of an evaluation as a whole page."""
    name = escape(title(evaluation))
    sections = [
        _checks(evaluation),
        _rates(evaluation),
        *map(_verdict, evaluation.verdicts),
        _scores(evaluation),
        _images(evaluation),
        _grids(evaluation),
        _versions(evaluation),
    ]

    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main><header><h1>{name}</h1>{_time_and_size(evaluation)}</header>"
        f"{''.join(sections) or EMPTY}</main></body></html>\n"
    )


def _time_and_size(evaluation: Evaluation) -> str:
    facts = [moment(evaluation.created)]
    if evaluation.prompts:
        facts.append(f"{len(evaluation.prompts)} prompts × {len(evaluation.seeds)} seeds")
    return f'<p class="soft">{escape(" · ".join(fact for fact in facts if fact))}</p>'


def _checks(evaluation: Evaluation) -> str:
    if not evaluation.checks:
        return ""

    failed = any(not check.passed for check in evaluation.checks) or evaluation.passed is False
    rows = "".join(_check(check) for check in evaluation.checks)
    kind = "bad" if failed else "good"
    return _section(
        "Checks",
        f'<p class="verdict {kind}">{escape(checks_sentence(evaluation))}</p>'
        '<div class="wide"><table><thead><tr><th>Version</th><th>Check</th><td></td>'
        "<th>Value</th><th>Limit</th>"
        f"<th>What it says</th></tr></thead><tbody>{rows}</tbody></table></div>",
    )


def _check(check: CheckResult) -> str:
    mark = '<b class="good">passed</b>' if check.passed else '<b class="bad">failed</b>'
    cells = (
        escape(check.version or "–"),
        escape(check.name),
        mark,
        number(check.value),
        number(check.limit),
        escape(check.sentence),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _rates(evaluation: Evaluation) -> str:
    known = rated(evaluation)
    if not known:
        return ""
    soft = (
        '<p class="soft">A point is the share of wins, a line its interval; one half is even.</p>'
    )
    return _section("Win rates", f"{soft}<figure>{whiskers(known)}</figure>")


def _verdict(verdict: VerdictResult) -> str:
    """Return the section of a blind test: counts, win rate, e-value, and tables."""
    facts = [
        ("Wins", str(verdict.wins)),
        ("Losses", str(verdict.losses)),
        ("Ties", str(verdict.ties)),
    ]
    if verdict.win_rate is not None:
        facts.append(("Win rate", interval(verdict.win_rate)))
    if verdict.e_value is not None:
        facts.append(("e-value", f"{verdict.e_value:.3g}"))
    cells = "".join(
        f"<div><b>{escape(value)}</b><span>{name}</span></div>" for name, value in facts
    )
    tables = _counts("Person", verdict.by_person) + _counts("Prompt", verdict.by_prompt)

    return _section(
        f"Blind votes: {verdict_name(verdict)}",
        f'<p>{escape(verdict_sentence(verdict))}</p><div class="facts">{cells}</div>{tables}',
    )


def _counts(heading: str, counts: dict[str, tuple[int, int, int]]) -> str:
    if not counts:
        return ""

    shown = sorted(counts.items(), key=lambda item: -sum(item[1]))[:MAX_ROWS]
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{wins}</td><td>{losses}</td><td>{ties}</td>"
        f"<td>{_share(wins, losses)}</td></tr>"
        for name, (wins, losses, ties) in shown
    )
    return (
        f'<div class="wide"><table><thead><tr><th>{heading}</th><th>Wins</th><th>Losses</th>'
        f"<th>Ties</th><th>Share</th></tr></thead><tbody>{rows}</tbody></table></div>"
        + _more(len(counts), len(shown))
    )


def _share(wins: int, losses: int) -> str:
    if not wins + losses:
        return "–"
    share = wins / (wins + losses)
    bar = f'<i class="bar"><i style="width:{100 * share:.0f}%"></i></i>'
    return f"{bar}{percent(share)}"


def _scores(evaluation: Evaluation) -> str:
    if not evaluation.scores:
        return ""

    rows = "".join(
        f"<tr><td>{escape(score.scorer)}</td><td>{escape(score.version)}</td>"
        f"<td>{number(score.mean)}</td><td>{number(score.median)}</td>"
        f"<td>{interval(score.win_rate) if score.win_rate else '–'}</td></tr>"
        for score in evaluation.scores
    )
    table = (
        '<div class="wide"><table><thead><tr><th>Scorer</th><th>Version</th><th>Mean</th>'
        f"<th>Median</th><th>Wins against base</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    scorers = list(dict.fromkeys(score.scorer for score in evaluation.scores))
    plots = (
        _by_prompt(name, [s for s in evaluation.scores if s.scorer == name], evaluation.prompts)
        for name in scorers
    )
    return _section("Scores", table + "".join(plots))


def _by_prompt(scorer: str, scores: Sequence[ScorerResult], prompts: Sequence[str]) -> str:
    rows = []
    for index, prompt in enumerate(prompts):
        values = [s.by_prompt[index] if index < len(s.by_prompt) else None for s in scores]
        points = [(series, value) for series, value in enumerate(values) if value is not None]
        if points:
            rows.append((prompt, points))

    if not rows:
        return ""
    key = "".join(
        f'<span><i class="s{index % SERIES_COLORS}"></i>{escape(score.version)}</span>'
        for index, score in enumerate(scores)
    )
    return (
        f'<h3>{escape(scorer)} by prompt</h3><p class="key">{key}</p>'
        f"<figure>{dots(rows[:MAX_ROWS], SERIES_COLORS)}</figure>" + _more(len(rows), MAX_ROWS)
    )


def _images(evaluation: Evaluation) -> str:
    versions = [version.name for version in evaluation.versions]
    rendered = [
        (index, seed)
        for index in range(len(evaluation.prompts))
        for seed in evaluation.seeds
        if any((name, index, seed) in evaluation.images for name in versions)
    ]
    if not rendered:
        return ""

    shown = rendered[: max(1, MAX_IMAGES // len(versions))]
    cards = "".join(_card(evaluation, versions, index, seed) for index, seed in shown)
    return _section(
        "Images", f'<div class="cards">{cards}</div>' + _more(len(rendered), len(shown))
    )


def _card(evaluation: Evaluation, versions: Sequence[str], index: int, seed: int) -> str:
    prompt = evaluation.prompts[index]
    sides = "".join(
        f"<span>{_image(evaluation.images.get((name, index, seed)), prompt, name)}"
        f"<em>{escape(name)}</em></span>"
        for name in versions
    )
    return (
        f'<figure class="card"><div class="sides">{sides}</div><figcaption>{escape(prompt)} '
        f'<span class="soft">seed {seed}</span></figcaption></figure>'
    )


def _image(file: Path | None, prompt: str, version: str) -> str:
    data = as_data(file) if file is not None else None
    if data is None:
        return '<b class="missing">No image</b>'
    alt = escape(f"{prompt}, rendered by {version}", quote=True)
    return f'<img src="{data}" alt="{alt}">'


def _grids(evaluation: Evaluation) -> str:
    # A grid repeats the single images, at a smaller size.
    if evaluation.images:
        return ""
    found = [data for data in (as_data(grid, GRID_SIDE_PX) for grid in evaluation.grids) if data]
    if not found:
        return ""
    images = "".join(f'<img class="grid" src="{data}" alt="A sheet of images">' for data in found)
    return _section("Images", images)


def _versions(evaluation: Evaluation) -> str:
    if not evaluation.versions:
        return ""

    rows = "".join(
        f"<tr><td>{escape(v.name)}</td><td>{escape(v.run or '–')}</td>"
        f"<td>{escape(v.objective or '–')}</td><td>{'–' if v.pairs is None else v.pairs}</td>"
        f"<td>{_moved(v.movement)}</td></tr>"
        for v in evaluation.versions
    )
    base = f'<p class="soft">Model {escape(evaluation.identity or evaluation.model)}</p>'
    return _section(
        "What was compared",
        '<div class="wide"><table><thead><tr><th>Version</th><th>Run</th><th>Objective</th>'
        "<th>Pairs</th><th>Moved from base</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{base}",
    )


def _moved(share: float | None) -> str:
    if share is None:
        return "–"
    return f"{told_movement(share).words}, {percent_of(share)}"


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{body}</section>"


def _more(total: int, shown: int) -> str:
    left = total - shown
    return f'<p class="soft">And {left:,} more in evaluation.json.</p>' if left > 0 else ""
