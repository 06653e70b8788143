"""The HTML of the Judge tab, rendered from plain values."""

from collections.abc import Mapping, Sequence
from html import escape

from annotate.charts.bar_charts import on_scale
from annotate.statistics.sequential_test import MAX_SIMULATED_VOTES
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.blind_test_results import BlindTestCard, QuestionResults
from annotate.web.html.run_cards import notice_card
from annotate.web.html.version_thumbnails import compared
from annotate.wording import percent, pluralize

MOST_ROWS = 12
QUESTIONS = {
    "overall": "Better overall",
    "appeal": "Looks better",
    "fidelity": "Follows the prompt better",
}
FALSE_POSITIVE_NOTE = (
    "If both versions were equal, at most one test in twenty would ever reach an outcome, "
    "even watched vote by vote."
)


def blind_test_cards(
    trials: Sequence[BlindTestCard],
    active: str,
    tuned: bool = True,
    titles: VersionTitles = UNTITLED,
) -> str:
    """Return every blind test with its outcome; `active` is the version that renders new pairs.

    Without `tuned` there is only the base, and nothing to test.
    """
    if not tuned:
        return notice_card(
            "Nothing to test yet",
            "A blind test compares two versions, and so far there is only the base. Label some "
            "pairs and fine-tune first.",
        )

    if not trials:
        return notice_card(
            "No blind test yet",
            "Start one above: both versions render the same prompts, you say which image is "
            "better, and nobody sees which version made it until the votes are counted.",
        )

    return "".join(blind_test_card(trial, active, titles) for trial in trials)


def blind_test_card(trial: BlindTestCard, active: str, titles: VersionTitles = UNTITLED) -> str:
    """Return one blind test, named by its versions."""
    overall, note = trial["questions"]["overall"], titles.within(trial["note"] or "")
    after, before = titles.of(trial["after"]), titles.of(trial["before"])
    parts = [
        f'<div class="run-head"><b>{escape(after)} against {escape(before)}</b>{badge(trial)}'
        f'<span class="soft">{counts(overall)} · <small>{escape(trial["trial"])}</small></span>'
        "</div>",
        _faces(trial, titles),
        figure(overall, after),
        f'<p class="outcome {tone(trial["outcome"])}">{sentence(trial, titles)}</p>',
        f'<p class="soft">{escape(note)}</p>' if note else "",
        f'<p class="soft">{escape(trial["problem"])}</p>' if trial["problem"] else "",
        buttons(trial, active, titles),
        details(trial),
    ]
    body = "".join(parts)

    name = escape(trial["trial"])
    return f'<article class="card blind-test-card" data-trial="{name}">{body}</article>'


def _faces(trial: BlindTestCard, titles: VersionTitles) -> str:
    """Return images of both versions once nobody votes any more, whom they might tell a side."""
    if trial["state"] == "open":
        return ""
    return compared((trial["after"], trial["before"]), titles)


def badge(trial: BlindTestCard) -> str:
    """Return the state of a test as a colored badge."""
    states = {"better": ("done", "Better"), "worse": ("failed", "Worse")}
    state = ("running", "Open") if trial["state"] == "open" else ("", "Ended")
    kind, word = states.get(trial["outcome"] or "", state)
    return f'<span class="badge {kind}">{word}</span>'


def tone(outcome: str | None) -> str:
    """Return the CSS class of an outcome."""
    return {"better": "good", "worse": "bad"}.get(outcome or "", "")


def counts(question: QuestionResults) -> str:
    """Return the votes of one question in words."""
    decisive = question["wins"] + question["losses"]
    words = [f"{decisive} choice{'s' * (decisive != 1)}"]
    words += [f"{question['ties']} tie{'s' * (question['ties'] != 1)}"] if question["ties"] else []
    words += [f"{question['skipped']} skipped"] if question["skipped"] else []
    return ", ".join(words)


def figure(question: QuestionResults, after: str) -> str:
    """Return the win rate with its interval on a line from 0 to 100 %; empty without votes."""
    if question["rate"] is None:
        return ""

    rate, low, high = question["rate"], question["low"], question["high"]
    return (
        f'<div class="figure"><b>{percent(rate)}</b><span>for {escape(after)}<br>'
        f'<small class="soft">95 % interval {100 * low:.0f} to {percent(high)}</small></span>'
        f"{on_scale(rate, low, high, 'Win rate')}</div>"
    )


def sentence(trial: BlindTestCard, titles: VersionTitles = UNTITLED) -> str:
    """Return the outcome, or the votes still needed, in a sentence."""
    after, before = escape(titles.of(trial["after"])), escape(titles.of(trial["before"]))
    if trial["outcome"] == "better":
        return f"<b>{after} is better than {before}.</b> {FALSE_POSITIVE_NOTE}"
    if trial["outcome"] == "worse":
        return f"<b>{after} is worse than {before}.</b> {FALSE_POSITIVE_NOTE}"

    if trial["state"] != "open":
        return f"<b>It ended without a verdict.</b> {after} may be better than {before}, or not."

    needed = trial["votes_needed"]
    if not trial["votes"] or needed is None:
        return "<b>No votes yet.</b> Press Vote: the sides are shuffled, and no image is marked."

    low, high = needed
    most = f"over {high:,}" if high >= MAX_SIMULATED_VOTES else f"{high:,}"
    span = most if low == high else f"{low:,} to {most}"
    return (
        f"<b>No verdict yet.</b> About {span} more {pluralize(high, 'choice')} until an "
        "outcome, by the votes so far (80 % range)."
    )


def buttons(trial: BlindTestCard, active: str, titles: VersionTitles = UNTITLED) -> str:
    """Return the buttons of a test."""
    after, before = escape(titles.of(trial["after"])), escape(titles.of(trial["before"]))
    actions = []
    if trial["state"] == "open":
        main = ' class="main"' if trial["outcome"] is None else ""
        actions.append(button("vote", trial, "Vote" if not trial["votes"] else "Keep voting", main))

    # The suggested action is the filled button: vote, then whatever the outcome says.
    if active != trial["after"]:
        main = ' class="main"' if trial["outcome"] == "better" else ""
        actions.append(button("use", trial, f"Make {after} active", main))
    if active != trial["before"]:
        main = ' class="main"' if trial["outcome"] == "worse" else ""
        actions.append(button("back", trial, f"Go back to {before}", main))
    if trial["state"] == "open":
        actions.append(button("end", trial, "End the test"))

    if trial["votes"]:
        actions.append(button("report", trial, "Save a report"))
    if url := trial.get("report_url"):
        actions.append(f'<a href="{escape(url, quote=True)}" target="_blank">Open the report</a>')
    return f'<div class="actions">{"".join(actions)}</div>'


def button(action: str, trial: BlindTestCard, text: str, kind: str = "") -> str:
    """Return a button that `blind_test.js` listens to; `text` is HTML."""
    return (
        f'<button type="button"{kind} data-action="{action}" data-trial="{escape(trial["trial"])}">'
        f"{text}</button>"
    )


def details(trial: BlindTestCard) -> str:
    """Return the votes by question, person and prompt, folded."""
    if not trial["votes"]:
        return ""
    overall = trial["questions"]["overall"]
    groups = [
        group("By person", trial["by_person"]),
        group(f"By prompt, of {trial['prompts']}", trial["by_prompt"]),
    ]

    if len(trial["questions"]) > 1:
        by_question = {
            QUESTIONS[name]: (votes["wins"], votes["losses"], votes["ties"])
            for name, votes in trial["questions"].items()
        }
        groups.insert(0, group("By question", by_question))

    resampled = ""
    if overall["over_prompts"]:
        low, high = (100 * share for share in overall["over_prompts"])
        resampled = (
            f"<p>Other prompts might have given {low:.0f} to {high:.0f} % (95 % interval over "
            "prompts).</p>"
        )

    split = f'<div class="split">{"".join(groups)}</div>'
    return f"<details><summary>Details</summary>{resampled}{split}</details>"


def group(title: str, rows: Mapping[str, Sequence[int]]) -> str:
    """Return a titled list of wins, ties and losses by name."""
    lines = [row(name, *numbers) for name, numbers in list(rows.items())[:MOST_ROWS]]
    more = len(rows) - MOST_ROWS
    lines += [f'<p class="soft">and {more} more</p>'] if more > 0 else []
    return f"<section><h4>{escape(title)}</h4>{''.join(lines)}</section>"


def row(name: str, wins: int, losses: int, ties: int) -> str:
    """Return one name with a bar of wins and ties, and its counts."""
    total = max(1, wins + losses + ties)
    return (
        f'<div class="row"><span title="{escape(name, quote=True)}">{escape(name)}</span>'
        f'<span class="share"><i style="width:{100 * wins / total:.0f}%"></i>'
        f'<em style="width:{100 * ties / total:.0f}%"></em></span>'
        f"<span>{wins} : {losses}{f', {ties} =' if ties else ''}</span></div>"
    )


def rounded(votes: int) -> int:
    """Return a number rounded to two significant digits."""
    # The sizes are simulated medians: a third digit would pretend precision.
    return int(float(f"{votes:.2g}"))


def sizes_card(sizes: Mapping[float, int]) -> str:
    """Return a table of the votes needed for an outcome, by true win rate."""
    rows = "".join(
        f"<tr><td>wins {percent(rate)} of the time</td>"
        f"<td>{'about ' if votes < MAX_SIMULATED_VOTES else ''}{rounded(votes):,}"
        f"{' or more' if votes >= MAX_SIMULATED_VOTES else ''} votes</td></tr>"
        for rate, votes in sizes.items()
    )
    return (
        '<div class="card"><p class="soft">Half of all tests have a verdict by then, if the '
        "candidate really</p>"
        f'<table class="sizes">{rows}</table></div>'
    )
