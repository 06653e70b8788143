"""The HTML of the Train tab, made from the studio's plain values."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from align.contracts.durations import in_words
from align.contracts.movement import told_movement
from align.contracts.run_files import RunResult
from annotate.charts.bar_charts import progress_bar
from annotate.training.samples.changes import Change, ChangeKind, change_of, contradicted
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.versions.release_gate import failed_checks
from annotate.views.training import PlanView, RunDetail, RunView
from annotate.web.html.run_curves import curves_of
from annotate.wording import pluralize, quantity

CANCELLING = "cancelling"
STOPS_SOON = "It stops after its present step and keeps what it has learned, to resume from."
STATES = {
    "queued": "Waiting to start",
    "running": "Running",
    "paused": "Paused",
    CANCELLING: "Cancelling",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
}
HELD_BACK = "It renders nothing unless you use it anyway."


def plan_card(plan: PlanView) -> str:
    """Return the plan of the next run."""
    facts = (
        (str(plan["pairs"]), pluralize(plan["pairs"], "pair")),
        (str(plan["held_out"]), "held out"),
        (str(plan["steps"]), pluralize(plan["steps"], "step")),
        (_minutes(plan["minutes"]), "expected"),
        *_limit(plan),
    )
    notes = "".join(
        f'<p class="soft plan-note">{escape(note)}</p>' for note in plan.get("notes", [])
    )
    return (
        f'<div class="card plan">{facts_row(facts)}'
        f'<p class="soft">Preset <em>{escape(str(plan["preset"]))}</em>. '
        f"{escape(plan['summary'])}</p>{left_out(brought(plan))}{left_out(plan.get('counts'))}"
        f"{notes}"
        f"{left_out(plan.get('left_out'))}</div>"
    )


def brought(plan: PlanView) -> str:
    """Say how many of the pairs came in from files; empty where none did."""
    sources = plan.get("sources", {})
    votes = sum(sources.values())
    if not votes:
        return ""
    whose = f"of the source {next(iter(sources))}"
    if len(sources) > 1:
        each = ", ".join(f"{name} {count:,}" for name, count in sources.items())
        whose = f"of {len(sources)} sources ({each})"
    if votes == plan["pairs"]:
        return f"All {votes:,} choices came in from files: they are {whose}."
    return f"{quantity(plan['pairs'] - votes, 'choice')} here and {votes:,} {whose}."


def _limit(plan: PlanView) -> list[tuple[str, str]]:
    """Return the time that a run may take, where it has a limit that it can keep."""
    limit = plan.get("max_minutes", 0)
    return [(in_words(60 * limit), "at most")] if plan["minutes"] <= limit else []


def left_out(sentence: str | None) -> str:
    """Return the sentence on the votes that a run leaves out; empty if there are none."""
    return f'<p class="soft left-out">{escape(sentence)}</p>' if sentence else ""


def facts_row(facts: Sequence[tuple[str, str]]) -> str:
    """Return a row of values with their names below."""
    cells = "".join(
        f"<div><b>{escape(value)}</b><span>{name}</span></div>" for value, name in facts
    )
    return f'<div class="facts">{cells}</div>'


def notice_card(title: str, detail: str) -> str:
    """Return a card with a title and a sentence."""
    return (
        f'<div class="card notice"><b>{escape(title)}</b><p class="soft">{escape(detail)}</p></div>'
    )


def run_card(run: RunDetail | None, titles: VersionTitles = UNTITLED) -> str:
    """Return one run in detail: progress, curves and, once done, its outcome."""
    if run is None:
        return notice_card(
            "No run yet",
            "When a fine-tune runs, its progress, its curves and its outcome are here.",
        )

    done = round(100 * (run["progress"] or 0))
    parts = [
        f'<div class="run-head"><b>{escape(run_title(run))}</b>{state_badge(shown_state(run))}'
        f'<span class="soft">{escape(_phase_line(run))} <small>{escape(run["run_id"])}</small>'
        "</span></div>",
        progress_bar(done, run["state"], "Progress of the run"),
        curves_of(run["metrics"]),
        outcome(run, titles),
        left_out(run.get("left_out")),
        _check_sheet(run),
    ]

    return f'<div class="card run" data-state="{escape(run["state"])}">{"".join(parts)}</div>'


def outcome(run: RunView, titles: VersionTitles = UNTITLED) -> str:
    """Return a sentence on how a run ended; empty while it is running."""
    if run["state"] == "done":
        return outcome_of(run["result"] or {}, _made(run, titles))
    if run["state"] == "failed":
        return f'<p class="outcome bad"><b>It failed.</b> {escape(run["error"] or "")}</p>'
    if run["state"] in ("cancelled", "interrupted"):
        sentence = "Nothing is lost: Resume continues from the last checkpoint."
        return f'<p class="outcome">{escape(run["error"] or sentence)}</p>'
    return ""


def runs_table(runs: Sequence[RunView], titles: VersionTitles = UNTITLED, opened: str = "") -> str:
    """Return the history of runs, newest first, each a button that opens it; empty without any.

    `opened` is the id of the one that is open.
    """
    if not runs:
        return ""
    head = "<th>Run</th><th>State</th><th>Made</th><th>Outcome</th>"
    return _table("runs", head, "".join(_run_row(run, titles, opened) for run in runs))


def shown_state(run: RunView) -> str:
    """Return the state of a run as the page names it: one that was cancelled takes a while."""
    return CANCELLING if run.get("cancelling") else run["state"]


def run_title(run: RunView) -> str:
    """Return the name of a run for people: when it was started."""
    return f"Run of {when(run['created'])}"


def _made(run: RunView, titles: VersionTitles) -> str | None:
    """Return the title of the version that a run made."""
    return None if run["version"] is None else titles.of(run["version"])


def outcome_of(result: RunResult, version: str | None = None) -> str:
    """Return what a run that is done achieved, and how far it went.

    `version` is the title of the version that it made.
    """
    # Of images that were compared the distance in numbers may say the opposite.
    measured = "" if contradicted(result) else moved(result)
    return _changed(result, version) + measured


def moved(result: RunResult) -> str:
    """Return how far a version has moved from its base; empty where nobody measured it."""
    if (share := result.get("movement")) is None:
        return ""
    return f'<p class="soft moved">{escape(told_movement(share).sentence)}</p>'


def _changed(result: RunResult, version: str | None) -> str:
    change = change_of(result)
    told = f"<b>{escape(change.title)}.</b> {escape(change.sentence)}"
    made = f" It is version <b>{escape(version)}</b>." if version else ""
    # A version that failed its checks gets no advice on its accuracy.
    advice = HELD_BACK if failed_checks(result) else result.get("advice", "")
    return f'<p class="outcome {tone_of(change)}">{told}{made} {escape(advice)}</p>'


def tone_of(change: Change) -> str:
    """Return the CSS class of a change: good, bad, or none where nothing is sure."""
    if change.kind is ChangeKind.WORSE:
        return "bad"
    return "good" if change.kind is ChangeKind.MOVED and change.sure else ""


def _check_sheet(run: RunDetail) -> str:
    """Return the results and the images of the release checks, folded."""
    sheet_url = run.get("sheet_url")
    if not sheet_url:
        return ""

    checks = (run["result"] or {}).get("checks", [])
    lines = "".join(
        f"<li>{'' if check['passed'] else '<b>Failed:</b> '}{escape(check['sentence'])}</li>"
        for check in checks
    )
    return (
        '<details class="check-sheet"><summary>Release checks</summary>'
        f'<ul class="soft">{lines}</ul><p class="soft">A row for each prompt: the base twice, then '
        "the new version with the same seeds.</p>"
        f'<img loading="lazy" src="{escape(sheet_url, quote=True)}" '
        'alt="Images of the base and of the new version"></details>'
    )


def _phase_line(run: RunDetail) -> str:
    """Return phase, step and time left of a run, or the objective of one that ended."""
    if run["state"] not in ("queued", "running", "paused"):
        return _ended_line(run["result"] or {})
    if trouble := run.get("trouble"):
        return trouble
    if run.get("cancelling"):
        return STOPS_SOON

    phase = "rendering images" if run["state"] == "paused" else run["phase"]
    words = [phase.replace("_", " ").capitalize()]
    if run["step"]:
        words.append(f"step {run['step']} of {run['steps']}")
    if run["metrics"] and (speed := run["metrics"][-1].get("pairs_per_s")):
        words.append(f"{speed:.1f} pairs/s")
    if run["eta_s"] is not None:
        words.append(time_left(run["eta_s"]))
    return " · ".join(word for word in words if word)


def _ended_line(result: RunResult) -> str:
    """Return what a run did, and how long it trained."""
    seconds = result.get("seconds")
    took = "" if seconds is None else f"trained for {in_words(seconds)}"
    return " · ".join(part for part in (_objective(result), took) if part)


def _objective(result: RunResult) -> str:
    """Return what a run did, and the field's name of it; runs of before know that one alone."""
    title, plain = result.get("objective_title", ""), result.get("objective_plain", "")
    return f"{plain} ({title})" if plain else title


def time_left(seconds: float) -> str:
    """Return the time left in words."""
    # Estimates are rough, so they are told in rough steps.
    if seconds < 5:
        return "nearly done"
    if seconds < 90:
        return f"{seconds:.0f} s left"
    return f"{in_words(seconds)} left"


def _minutes(minutes: float) -> str:
    return "< 1 min" if minutes < 1 else in_words(60 * minutes)


def _run_row(run: RunView, titles: VersionTitles, opened: str) -> str:
    done = run["state"] == "done"
    text = change_of(run["result"] or {}).title if done else (run["error"] or "")
    run_id = escape(run["run_id"], quote=True)
    is_open = run["run_id"] == opened
    name = (
        f'<button data-run="{run_id}" aria-expanded="{str(is_open).lower()}">'
        f"{escape(run_title(run))}</button> <small>{run_id}</small>"
    )
    made = escape(_made(run, titles) or "–")
    row = _row(name, state_badge(shown_state(run)), made, escape(text))
    return row.replace("<tr>", '<tr class="open">', 1) if is_open else row


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(name: str, head: str, rows: str) -> str:
    return (
        f'<div class="card table"><table class="{name}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def state_badge(state: str) -> str:
    """Return the state of a run as a badge."""
    return f'<span class="badge {escape(state)}">{STATES.get(state, escape(state))}</span>'


def when(moment: datetime | str) -> str:
    """Return a moment in local time; without a time zone it is UTC, as the studio stores it."""
    parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return zoned.astimezone().strftime("%d %b, %H:%M")
